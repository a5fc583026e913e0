#include "heterodyne/layer/token_choice_router.h"

#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

void check_k(const std::string& kind, int64_t k, int64_t num_experts) {
  if (k <= num_experts) return;
  throw ConfigError(kind, "k", fmt::format("expected at most num_experts = {}, got {}", num_experts, k));
}

}  // namespace

TokenChoiceRouter::TokenChoiceRouter(std::string kind, int64_t k, const RouterContext& context)
    : kind_(std::move(kind)),
      name_(context.init.name),
      k_(k),
      width_(context.width),
      num_experts_(context.num_experts()) {
  check_k(kind_, k_, num_experts_);
}

void TokenChoiceRouter::set_num_experts(int64_t num_experts) {
  check_k(kind_, k_, num_experts);
  num_experts_ = num_experts;
}

void TokenChoiceRouter::check_input(const torch::Tensor& x_TD) const {
  check_shape(kind_, "x_TD", x_TD, {"T", {"D", width_}});
}

Routing TokenChoiceRouter::route_equally(const torch::Tensor& expert_TK, const RouteInput& input) const {
  const int64_t T = expert_TK.size(0);
  const auto weight_TK = torch::full({T, k_}, 1.0 / static_cast<double>(k_));
  const auto prob_TE = torch::full({T, num_experts_}, 1.0 / static_cast<double>(num_experts_));
  return make_routing({expert_TK, weight_TK, prob_TE, torch::zeros({T, num_experts_})}, input, num_experts_);
}

torch::Tensor TokenChoiceRouter::choose(const torch::Tensor& score_TE, const RouteInput& input,
                                        torch::Tensor prob_TE) const {
  const RouteOverride& wanted = input.override;
  if (wanted.k) check_k(kind_, *wanted.k, num_experts_);
  if (wanted.empty() || wanted.k) return ops::top_k(score_TE, wanted.k.value_or(k_), name_);
  if (!prob_TE.defined()) prob_TE = score_TE.softmax(-1);
  const auto expert_TE = ops::top_k(score_TE, num_experts_, name_);
  const auto best_T1 = std::get<0>(prob_TE.max(-1, true));
  const auto least_T1 = wanted.min_p ? best_T1 * *wanted.min_p : torch::full_like(best_T1, *wanted.threshold);
  return expert_TE.masked_fill(prob_TE.gather(1, expert_TE) < least_T1, -1);
}

torch::Tensor at_choices(const torch::Tensor& value_TE, const torch::Tensor& expert_TK, double absent) {
  const auto value_TK = value_TE.gather(1, expert_TK.clamp_min(0));
  return value_TK.masked_fill(expert_TK < 0, absent);
}

torch::Tensor softmax_at_choices(const torch::Tensor& score_TE, const torch::Tensor& expert_TK) {
  // A row without any choice must not divide zero by zero, in the gradient neither.
  constexpr double kNever = -1e30;
  return at_choices(score_TE, expert_TK, kNever).softmax(-1).masked_fill(expert_TK < 0, 0);
}

torch::Tensor shares_at_choices(const torch::Tensor& value_TE, const torch::Tensor& expert_TK) {
  constexpr double kTiny = 1e-20;
  const auto value_TK = at_choices(value_TE, expert_TK, 0);
  return value_TK / value_TK.sum(-1, true).clamp_min(kTiny);
}

torch::Tensor gate_scores(const torch::Tensor& x_TD, const nn::Linear& gate) {
  const bool is_narrow = x_TD.scalar_type() == torch::kBFloat16 || x_TD.scalar_type() == torch::kFloat16;
  if (!is_narrow) return gate.forward(x_TD);
  const auto score_TE = torch::matmul(x_TD.to(torch::kFloat32), gate.weight().matrix().to(torch::kFloat32).t());
  return gate.bias().defined() ? score_TE + gate.bias().to(torch::kFloat32) : score_TE;
}

}  // namespace heterodyne
