#include "heterodyne/ops/log_mixture.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"

namespace heterodyne::ops {
namespace {

// [N, O]: the answers in the order of the plan's pairs.
torch::Tensor rows_of_pairs(const std::vector<torch::Tensor>& y_of_expert, const torch::Tensor& weight_N,
                            const RoutingPlan& plan, int64_t width) {
  HETERODYNE_DCHECK(static_cast<int64_t>(y_of_expert.size()) == plan.num_experts());
  const auto offsets = plan.expert_offsets();
  std::vector<torch::Tensor> rows;
  for (size_t e = 0; e < y_of_expert.size(); ++e) {
    const int64_t num_rows = offsets[e + 1] - offsets[e];
    const auto& y = y_of_expert[e];
    const bool fits = y.defined() ? y.dim() == 2 && y.size(0) == num_rows && y.size(1) == width : num_rows == 0;
    if (!fits) {
      throw ShapeError("log_mixture", fmt::format("output of expert {}: expected [{}, {}], got {}", e, num_rows, width,
                                                  shape_text(y)));
    }
    if (y.defined()) rows.push_back(y);
  }
  return rows.empty() ? torch::zeros({0, width}, weight_N.options().requires_grad(false)) : at::cat(rows, 0);
}

}  // namespace

torch::Tensor log_mixture(const std::vector<torch::Tensor>& y_of_expert, const torch::Tensor& weight_N,
                          const RoutingPlan& plan, int64_t output_width) {
  check_shape("log_mixture", "weight_N", weight_N, {{"N", plan.num_pairs()}});
  const auto y_NO = rows_of_pairs(y_of_expert, weight_N, plan, output_width);
  const int64_t T = plan.num_tokens();

  const auto pair_M = (weight_N > 0).nonzero().squeeze(1);
  const auto token_M = plan.token_N.index_select(0, pair_M);
  const auto wide = y_NO.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto term_MO =
      y_NO.index_select(0, pair_M).to(wide) + weight_N.index_select(0, pair_M).to(wide).log().unsqueeze(1);

  // The largest term of each token, taken out of the sum; its gradient cancels.
  const auto place_MO = token_M.unsqueeze(1).expand_as(term_MO);
  const auto none_TO =
      torch::full({T, output_width}, -std::numeric_limits<double>::infinity(), term_MO.options().requires_grad(false));
  const auto largest_TO = none_TO.scatter_reduce(0, place_MO, term_MO.detach(), "amax");
  const auto share_MO = (term_MO - largest_TO.index_select(0, token_M)).exp();
  const auto sum_TO = torch::zeros_like(none_TO).index_add(0, token_M, share_MO);

  const auto has_none_T1 = torch::ones({T}, torch::TensorOptions().dtype(torch::kBool).device(token_M.device()))
                               .index_fill(0, token_M, false)
                               .unsqueeze(1);
  const auto y_TO = sum_TO.masked_fill(has_none_T1, 1).log() + largest_TO.masked_fill(has_none_T1, 0);
  return y_TO.to(y_NO.scalar_type());
}

}  // namespace heterodyne::ops
