#include "heterodyne/train/adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

namespace heterodyne {

Optimizer::State Adam::initial_state(const std::string&, const torch::Tensor& parameter) const {
  return {{"exp_avg", torch::zeros_like(parameter)},
          {"exp_avg_sq", torch::zeros_like(parameter)},
          {"step", torch::zeros({}, torch::kFloat32)}};
}

void Adam::update(const std::vector<Entry>& entries, double lr) {
  std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
  for (const Entry& entry : entries) {
    parameters.push_back(entry.parameter);
    gradients.push_back(entry.gradient);
    means.push_back(entry.state->at("exp_avg"));
    squares.push_back(entry.state->at("exp_avg_sq"));
    steps.push_back(entry.state->at("step").add_(1));
  }
  if (decay_ == WeightDecay::kApart) {
    at::_fused_adamw_(parameters, gradients, means, squares, {}, steps, lr, options_.beta1, options_.beta2,
                      weight_decay_, options_.eps, false, false);
  } else {
    at::_fused_adam_(parameters, gradients, means, squares, {}, steps, lr, options_.beta1, options_.beta2,
                     weight_decay_, options_.eps, false, false);
  }
}

}  // namespace heterodyne
