#include "heterodyne/layer/balancer.h"

namespace heterodyne {

BalancerRegistry empty_balancers() { return BalancerRegistry("balancer"); }

torch::Tensor importance_of(const Routing& routing) {
  const auto zero_E = torch::zeros({routing.num_experts()}, routing.weight_N.options().requires_grad(false));
  return zero_E.index_add(0, routing.plan.expert_N, routing.weight_N);
}

torch::Tensor squared_variation(const torch::Tensor& value_E, bool sample) {
  const int64_t E = value_E.size(0);
  constexpr double kTiny = 1e-10;  // the mean of an unused layer
  const auto mean = value_E.mean();
  if (E == 1) return mean * 0;
  const auto deviation = (value_E - mean).pow(2).sum() / static_cast<double>(sample ? E - 1 : E);
  return deviation / (mean.pow(2) + kTiny);
}

torch::Tensor chosen_of(const Routing& routing) {
  const auto options = routing.weight_N.options().requires_grad(false);
  return torch::zeros({routing.num_tokens(), routing.num_experts()}, options)
      .index_put({routing.plan.token_N, routing.plan.expert_N}, torch::ones({}, options));
}

torch::Tensor entropy_of(const torch::Tensor& prob) {
  constexpr double kTiny = 1e-30;  // inside the logarithm, where p = 0 would give 0 x infinity
  return -(prob * prob.clamp_min(kTiny).log()).sum(-1);
}

torch::Tensor mean_over_tokens(const torch::Tensor& value, const Routing& routing) {
  const auto num_counted = static_cast<double>(std::max<int64_t>(routing.num_counted_tokens(), 1));
  if (!routing.mask_T.defined()) return value.sum(0) / num_counted;
  // index_select, not a product with the mask: padding may hold anything, NaN too.
  return value.index_select(0, routing.mask_T.nonzero().squeeze(1)).sum(0) / num_counted;
}

}  // namespace heterodyne
