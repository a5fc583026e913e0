#include "heterodyne/layer/gated_router.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {

GatedRouter::GatedRouter(std::string kind, int64_t k, const RouterContext& context)
    : LinearGateRouter(std::move(kind), k, 0, context), name_(context.init.name) {}

torch::Tensor GatedRouter::scores(const RouteInput& input) const {
  auto score_TE = logits(input);
  ops::top_k(score_TE.detach(), 1, name_);  // throws when one is NaN
  return score_TE;
}

torch::Tensor products_of(const torch::Tensor& x_TD, const torch::Tensor& matrix_ED) {
  return ops::can_run_linear(x_TD, matrix_ED) ? ops::linear_product(x_TD, matrix_ED)
                                              : torch::matmul(x_TD, matrix_ED.t());
}

torch::Tensor counted_tokens(const RouteInput& input) {
  if (!input.mask_T.defined()) return torch::arange(input.x_TD.size(0));
  return input.mask_T.nonzero().squeeze(1);
}

std::vector<torch::Tensor> counted_tokens_by_sequence(const RouteInput& input) {
  const int64_t length = std::max<int64_t>(input.length, 1);
  std::vector<torch::Tensor> all;
  for (int64_t first = 0; first < input.x_TD.size(0); first += length) {
    auto token_S = torch::arange(first, first + length);
    if (input.mask_T.defined()) token_S = token_S.index({input.mask_T.narrow(0, first, length)});
    all.push_back(token_S);
  }
  return all;
}

int64_t tokens_per_expert(double factor, int64_t num_tokens, int64_t num_experts) {
  constexpr double kRounding = 1e-9;  // 0.1 x 30 is 3 tokens, whatever the last bit says
  const double wanted = factor * static_cast<double>(num_tokens) / static_cast<double>(num_experts);
  return static_cast<int64_t>(std::min(std::ceil(wanted - kRounding), static_cast<double>(num_tokens)));
}

torch::Tensor best_tokens(const torch::Tensor& score_CE, int64_t count) {
  auto chosen_EC = torch::zeros({score_CE.size(1), score_CE.size(0)}, torch::kBool);
  if (count == 0) return chosen_EC.t();
  const auto best_EN = ops::top_k(score_CE.detach().t().contiguous(), count, "best_tokens");
  return chosen_EC.scatter_(1, best_EN, true).t();
}

torch::Tensor placed_rows(const torch::Tensor& chosen_CE, const torch::Tensor& token_C, int64_t num_tokens) {
  return torch::zeros({num_tokens, chosen_CE.size(1)}, torch::kBool).index_copy_(0, token_C, chosen_CE.contiguous());
}

torch::Tensor marked_experts(const torch::Tensor& chosen_TE, const torch::Tensor& score_TE) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const int64_t T = chosen_TE.size(0);
  const int64_t most = T > 0 ? std::max<int64_t>(chosen_TE.sum(1).max().item<int64_t>(), 1) : 1;
  const auto order_TK =
      ops::top_k(score_TE.detach().masked_fill(chosen_TE.logical_not(), kNever), most, "marked_experts");
  return order_TK.masked_fill(chosen_TE.gather(1, order_TK).logical_not(), -1);
}

}  // namespace heterodyne
