#include "heterodyne/train/adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <algorithm>
#include <cmath>
#include <map>

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

// Of a parameter that was stepped `steps_before` times. Step i of K shrinks the weight by d_i and then takes
// c m / (a sqrt(v) + eps) from it; what it takes is shrunk by all later steps.
ops::IdleAdam Adam::idle_steps(std::span<const Rates> steps, double steps_before) const {
  ops::IdleAdam idle;
  idle.eps = options_.eps;
  const size_t K = steps.size();
  std::vector<double> c_K(K), a_K(K);
  for (size_t i = 0; i < K; ++i) {
    const double t = steps_before + 1 + static_cast<double>(i);
    idle.mean_scale *= steps[i].momentum;
    idle.square_scale *= options_.beta2;
    c_K[i] = steps[i].lr * idle.mean_scale / (1 - std::pow(steps[i].momentum, t));
    a_K[i] = std::sqrt(idle.square_scale / (1 - std::pow(options_.beta2, t)));
  }
  for (size_t i = K; i-- > 0;) {
    c_K[i] *= idle.decay;
    idle.decay *= 1 - steps[i].lr * weight_decay_;
  }
  idle.set_steps(c_K, a_K);
  return idle;
}

void Adam::replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) {
  const bool has_gradient = decay_ == WeightDecay::kInGradient && weight_decay_ > 0;
  std::vector<Entry> others;
  std::map<double, ops::IdleAdam> by_count;  // of the steps before, which may differ: experts are born late
  std::vector<ops::AdamTensors> tensors;
  for (const Entry& entry : entries) {
    const auto &mean = entry.state->at("exp_avg"), &square = entry.state->at("exp_avg_sq");
    if (has_gradient || !ops::can_replay(entry.parameter) || !ops::can_replay(mean) || !ops::can_replay(square)) {
      others.push_back(entry);
      continue;
    }
    auto& step = entry.state->at("step");
    const auto before = step.item<double>();
    auto found = by_count.find(before);
    if (found == by_count.end()) found = by_count.emplace(before, idle_steps(steps, before)).first;
    tensors.push_back({entry.parameter, mean, square, &found->second});
    if (!weights_only) step.add_(static_cast<double>(steps.size()));
  }
  ops::replay(tensors, weights_only);
  if (!others.empty()) Optimizer::replay(others, steps, weights_only);
}

}  // namespace heterodyne
