#include "heterodyne/nn/grouped_attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"

namespace heterodyne::nn {
namespace {

// bool [S, P + S] or [B, 1, S, P + S]: which keys each token sees.
torch::Tensor visible_of(int64_t S, int64_t P, const torch::Tensor& mask_BS) {
  const auto own_SS = torch::ones({S, S}, torch::kBool).tril();
  auto visible = P > 0 ? at::cat({torch::ones({S, P}, torch::kBool), own_SS}, 1) : own_SS;
  if (!mask_BS.defined()) return visible;
  const auto kept_BK = P > 0 ? at::cat({mask_BS.new_ones({mask_BS.size(0), P}), mask_BS}, 1) : mask_BS;
  const auto itself = torch::ones({S, P + S}, torch::kBool).triu(P).tril(P);
  return visible.logical_and(kept_BK.unsqueeze(1).unsqueeze(1)).logical_or(itself);
}

// [B, G, K, C] to [B, H, K, C]: each key head for the query heads that share it.
torch::Tensor shared_out(const torch::Tensor& x_BGKC, int64_t H) {
  const int64_t B = x_BGKC.size(0), G = x_BGKC.size(1), K = x_BGKC.size(2), C = x_BGKC.size(3);
  if (G == H) return x_BGKC;
  return x_BGKC.unsqueeze(2).expand({B, G, H / G, K, C}).reshape({B, H, K, C});
}

torch::Tensor joined(const torch::Tensor& past, const torch::Tensor& now) {
  return past.defined() ? at::cat({past, now}, 2) : now;
}

}  // namespace

GroupedAttention::GroupedAttention(const GroupedAttentionOptions& options, const Init& init) : options_(options) {
  if (options.kv_heads < 1 || options.heads % options.kv_heads != 0) {
    throw ConfigError(init.name, "kv_heads",
                      fmt::format("expected a divisor of heads = {}, got {}", options.heads, options.kv_heads));
  }
  const int64_t D = options.width, C = options.head_width;
  const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
    return register_module(name, std::make_shared<Linear>(LinearOptions{inputs, outputs, false}, init.at(name)));
  };
  query_ = linear("query", D, options.heads * C);
  key_ = linear("key", D, options.kv_heads * C);
  value_ = linear("value", D, options.kv_heads * C);
  output_ = linear("output", options.heads * C, D);
}

GroupedAttention::Output GroupedAttention::forward(const torch::Tensor& x_BSD, const Rotation& rotation,
                                                   const torch::Tensor& mask_BS, const AttentionPast& past) const {
  check_shape("nn.grouped_attention", "x_BSD", x_BSD, {"B", "S", {"D", options_.width}});
  const int64_t B = x_BSD.size(0), S = x_BSD.size(1), C = options_.head_width;
  const int64_t H = options_.heads, G = options_.kv_heads;
  const auto heads_of = [&](const std::shared_ptr<Linear>& projection, int64_t heads) {
    return projection->forward(x_BSD).view({B, S, heads, C});
  };
  const auto query_BHSC = rotated(heads_of(query_, H), rotation).transpose(1, 2);
  Output output;
  output.past = {joined(past.key_BGPC, rotated(heads_of(key_, G), rotation).transpose(1, 2)),
                 joined(past.value_BGPC, heads_of(value_, G).transpose(1, 2))};

  const int64_t P = output.past.key_BGPC.size(2) - S;
  const bool is_plain = P == 0 && !mask_BS.defined();
  std::optional<torch::Tensor> visible;
  if (!is_plain) visible = visible_of(S, P, mask_BS);
  const auto answer_BHSC = at::scaled_dot_product_attention(
      query_BHSC, shared_out(output.past.key_BGPC, H), shared_out(output.past.value_BGPC, H), visible, 0.0, is_plain);
  output.y_BSD = output_->forward(answer_BHSC.transpose(1, 2).reshape({B, S, H * C}));
  return output;
}

double GroupedAttention::macs(double num_keys) const {
  const auto values = static_cast<double>(options_.heads * options_.head_width);
  return query_->macs() + key_->macs() + value_->macs() + output_->macs() + 2 * values * num_keys;
}

}  // namespace heterodyne::nn
