#include "heterodyne/nn/attention.h"

#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/nn/seen_tokens.h"
#include "heterodyne/ops/row_attention.h"

namespace heterodyne::nn {

Attention::Attention(const AttentionOptions& options, const Init& init) : options_(options) {
  const int64_t D = options.width;
  if (D % options.num_heads != 0) {
    throw ConfigError(init.name, "heads",
                      fmt::format("expected a divisor of the width {}, got {}", D, options.num_heads));
  }
  query_ = register_module("query", std::make_shared<Linear>(LinearOptions{D, D}, init.at("query")));
  key_value_ = register_module("key_value", std::make_shared<Linear>(LinearOptions{D, 2 * D}, init.at("key_value")));
  output_ = register_module(
      "output", std::make_shared<Linear>(LinearOptions{D, D, true, options.output_scheme}, init.at("output")));
  dropout_ = register_module("dropout", std::make_shared<Dropout>(options.dropout, init.at("dropout")));

  const double bound = std::sqrt(6.0 / static_cast<double>(D + 3 * D));
  const torch::NoGradGuard no_grad;
  query_->weight().assign(initial_uniform(init.at("query.weight"), {D, D}, bound));
  key_value_->weight().assign(initial_uniform(init.at("key_value.weight"), {2 * D, D}, bound));
  for (const auto& projection : {query_, key_value_, output_}) projection->bias().zero_();
}

torch::Tensor Attention::forward(const torch::Tensor& x_ND, const torch::Tensor& token_N, const torch::Tensor& x_BSD,
                                 const torch::Tensor& mask_BS, RandomKey key) const {
  const int64_t N = x_ND.size(0), S = x_BSD.size(1), H = options_.num_heads;
  auto keep = dropout_->factors(key, token_N, H * S);
  if (keep.defined()) keep = keep.view({N, H, S}).to(x_ND.scalar_type());
  const auto key_value_BS2D = answer_seen(
      x_BSD, mask_BS, [&](const torch::Tensor& seen_ND, const torch::Tensor&) { return key_value_->forward(seen_ND); });
  return output_->forward(
      ops::row_attention({query_->forward(x_ND), key_value_BS2D, token_N, mask_BS, keep, H, options_.is_causal}));
}

double Attention::macs_per_row(int64_t S) const {
  return query_->macs() + output_->macs() + 2 * static_cast<double>(S * options_.width);
}

}  // namespace heterodyne::nn
