#include "heterodyne/layer/token_choice_router.h"

#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

constexpr double kTiny = 1e-20;  // what a sum that may be zero is at least

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

void TokenChoiceRouter::check_num_experts(int64_t num_experts) const { check_k(kind_, k_, num_experts); }

void TokenChoiceRouter::set_num_experts(int64_t num_experts) {
  check_num_experts(num_experts);
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

torch::Tensor TokenChoiceRouter::best(const torch::Tensor& score_TE, int64_t k) const {
  return ops::top_k(score_TE, k, name_);
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
  const auto value_TK = at_choices(value_TE, expert_TK, 0);
  return value_TK / value_TK.sum(-1, true).clamp_min(kTiny);
}

torch::Tensor ones_at_choices(const torch::Tensor& value_TE, const torch::Tensor& expert_TK) {
  const auto value_TK = at_choices(value_TE, expert_TK, 0);
  return value_TK - value_TK.detach() + (expert_TK >= 0).to(value_TK.scalar_type());
}

torch::Tensor weights_at_choices(const std::string& rule, const torch::Tensor& logit_TE, const torch::Tensor& score_TE,
                                 const torch::Tensor& expert_TK) {
  if (rule == "softmax_of_selected") return softmax_at_choices(logit_TE, expert_TK);
  if (rule == "renormalized") return shares_at_choices(score_TE, expert_TK);
  return rule == "one" ? ones_at_choices(score_TE, expert_TK) : at_choices(score_TE, expert_TK, 0);
}

torch::Tensor score_of(const std::string& function, const torch::Tensor& logit_TE) {
  if (function == "softmax") return logit_TE.softmax(-1);
  if (function == "sigmoid") return logit_TE.sigmoid();
  // The root of zero, which a very low logit's softplus is, has no gradient.
  return torch::softplus(logit_TE).clamp_min(kTiny).sqrt();
}

torch::Tensor shares_of(const torch::Tensor& score_TE) { return score_TE / score_TE.sum(-1, true).clamp_min(kTiny); }

torch::Tensor counted_rows(const torch::Tensor& value, const torch::Tensor& mask_T) {
  return mask_T.defined() ? value.index_select(0, mask_T.nonzero().squeeze(1)) : value;
}

torch::Tensor directions_of(const torch::Tensor& row_ND) {
  constexpr double kShortest = 1e-6;
  return row_ND / row_ND.norm(2, -1, true).clamp_min(kShortest);
}

torch::Tensor at_least_float32(const torch::Tensor& value) {
  const bool is_narrow = value.scalar_type() == torch::kBFloat16 || value.scalar_type() == torch::kFloat16;
  return is_narrow ? value.to(torch::kFloat32) : value;
}

torch::Tensor gate_scores(const torch::Tensor& x_TD, const nn::Linear& gate) {
  const auto matrix_ED = at_least_float32(gate.weight().matrix());
  if (matrix_ED.is_same(gate.weight().matrix()) && x_TD.scalar_type() == matrix_ED.scalar_type())
    return gate.forward(x_TD);
  const auto score_TE = torch::matmul(at_least_float32(x_TD), matrix_ED.t());
  return gate.bias().defined() ? score_TE + at_least_float32(gate.bias()) : score_TE;
}

}  // namespace heterodyne
