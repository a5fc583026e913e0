#include "heterodyne/nn/grouped_attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/rows/cached_attention.h"

namespace heterodyne::nn {
namespace {

// bool [S, P + S] or [B, 1, S, P + S]: which keys each token sees; `window` keys at most, 0: all.
torch::Tensor visible_of(int64_t S, int64_t P, const torch::Tensor& mask_BS, int64_t window) {
  const auto own_SS = torch::ones({S, S}, torch::kBool).tril();
  auto visible = P > 0 ? at::cat({torch::ones({S, P}, torch::kBool), own_SS}, 1) : own_SS;
  if (window > 0) visible = visible.triu(P - window + 1);
  if (!mask_BS.defined()) return visible;
  const auto kept_BK = P > 0 ? at::cat({mask_BS.new_ones({mask_BS.size(0), P}), mask_BS}, 1) : mask_BS;
  const auto itself = torch::ones({S, P + S}, torch::kBool).triu(P).tril(P);
  return visible.logical_and(kept_BK.unsqueeze(1).unsqueeze(1)).logical_or(itself);
}

// As scores to add: 0 for a key that is seen, -inf for others; and behind the keys one with each head's sink.
torch::Tensor with_sink(const torch::Tensor& visible, const torch::Tensor& sink_H) {
  auto score = torch::zeros(visible.sizes(), sink_H.options()).masked_fill(visible.logical_not(), -INFINITY);
  if (score.dim() == 2) score = score.unsqueeze(0).unsqueeze(0);
  const int64_t B = score.size(0), S = score.size(2), K = score.size(3), H = sink_H.size(0);
  return at::cat({score.expand({B, H, S, K}), sink_H.view({1, H, 1, 1}).expand({B, H, S, 1})}, 3);
}

// [B, G, K, C] to [B, H, K, C]: each key head for the query heads that share it.
torch::Tensor shared_out(const torch::Tensor& x_BGKC, int64_t H) {
  const int64_t B = x_BGKC.size(0), G = x_BGKC.size(1), K = x_BGKC.size(2), C = x_BGKC.size(3);
  if (G == H) return x_BGKC;
  return x_BGKC.unsqueeze(2).expand({B, G, H / G, K, C}).reshape({B, H, K, C});
}

std::vector<torch::Tensor> parts_of(const Growing& rows) {
  std::vector<torch::Tensor> parts;
  for (const auto* part : {&rows.old, &rows.recent}) {
    if (part->defined()) parts.push_back(*part);
  }
  return parts;
}

}  // namespace

GroupedAttention::GroupedAttention(const GroupedAttentionOptions& options, const Init& init) : options_(options) {
  if (options.kv_heads < 1 || options.heads % options.kv_heads != 0) {
    throw ConfigError(init.name, "kv_heads",
                      fmt::format("expected a divisor of heads = {}, got {}", options.heads, options.kv_heads));
  }
  const int64_t D = options.width, C = options.head_width;
  const auto linear = [&](const char* name, int64_t inputs, int64_t outputs, bool bias) {
    return register_module(name, std::make_shared<LoraLinear>(LinearOptions{inputs, outputs, bias}, init.at(name)));
  };
  query_ = linear("query", D, options.heads * C, options.qkv_bias);
  key_ = linear("key", D, options.kv_heads * C, options.qkv_bias);
  value_ = linear("value", D, options.kv_heads * C, options.qkv_bias);
  output_ = linear("output", options.heads * C, D, options.output_bias);
  if (options.query_norm != "none") {
    const auto norm = [&](const char* name, int64_t heads) {
      const int64_t width = options.query_norm == "head" ? C : heads * C;
      return register_module(name, std::make_shared<RmsNorm>(width, options.norm_eps));
    };
    query_norm_ = norm("query_norm", options.heads);
    key_norm_ = norm("key_norm", options.kv_heads);
  }
  if (options.sinks) sink_H_ = register_parameter("sinks", torch::zeros({options.heads}));
}

GroupedAttention::Output GroupedAttention::forward(const torch::Tensor& x_BSD, const Rotation& rotation,
                                                   const torch::Tensor& mask_BS, const AttentionPast& past) const {
  check_shape("nn.grouped_attention", "x_BSD", x_BSD, {"B", "S", {"D", options_.width}});
  const int64_t B = x_BSD.size(0), S = x_BSD.size(1), C = options_.head_width;
  const int64_t H = options_.heads, G = options_.kv_heads;
  const auto heads_of = [&](const LoraLinear& projection, int64_t heads, const RmsNorm* norm) {
    auto x = projection.forward(x_BSD);
    if (norm && options_.query_norm == "row") x = norm->forward(x);
    x = x.view({B, S, heads, C});
    return norm && options_.query_norm == "head" ? norm->forward(x) : x;
  };
  const auto query_BHSC = rotated(heads_of(*query_, H, query_norm_.get()), rotation).transpose(1, 2);
  Output output;
  output.past = {past.key_BGPC.with(rotated(heads_of(*key_, G, key_norm_.get()), rotation).transpose(1, 2), 2),
                 past.value_BGPC.with(heads_of(*value_, G, nullptr).transpose(1, 2), 2)};
  output.y_BSD = output_->forward(answer(query_BHSC, output.past, mask_BS).transpose(1, 2).reshape({B, S, H * C}));
  return output;
}

torch::Tensor GroupedAttention::answer(const torch::Tensor& query_BHSC, const AttentionPast& seen,
                                       const torch::Tensor& mask_BS) const {
  const int64_t S = query_BHSC.size(2), H = options_.heads, P = seen.key_BGPC.size(2) - S;
  const ops::CachedAttentionInput cached{query_BHSC, parts_of(seen.key_BGPC), parts_of(seen.value_BGPC),
                                         options_.window, sink_H_};
  if (P > 0 && !mask_BS.defined() && ops::can_run_cached_attention(cached)) return ops::cached_attention(cached);
  auto key_BHKC = shared_out(seen.key_BGPC.joined(2), H), value_BHKC = shared_out(seen.value_BGPC.joined(2), H);
  const bool is_limited = options_.window > 0 && options_.window < P + S;
  const bool is_plain = P == 0 && !mask_BS.defined() && !is_limited && !sink_H_.defined();
  std::optional<torch::Tensor> visible;
  if (!is_plain) visible = visible_of(S, P, mask_BS, options_.window);
  if (sink_H_.defined()) {
    // A key of zeros, whose score is what is added to it: the sink; its value is zero too.
    visible = with_sink(*visible, sink_H_);
    const auto none_BH1C = key_BHKC.new_zeros({key_BHKC.size(0), H, 1, key_BHKC.size(3)});
    key_BHKC = at::cat({key_BHKC, none_BH1C}, 2);
    value_BHKC = at::cat({value_BHKC, none_BH1C}, 2);
  }
  return at::scaled_dot_product_attention(query_BHSC, key_BHKC, value_BHKC, visible, 0.0, is_plain);
}

double GroupedAttention::macs(double num_keys) const {
  const auto values = static_cast<double>(options_.heads * options_.head_width);
  return query_->macs() + key_->macs() + value_->macs() + output_->macs() + 2 * values * num_keys;
}

}  // namespace heterodyne::nn
