#include "heterodyne/train/adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace heterodyne {
namespace {

constexpr const char *kMean = "exp_avg", *kSquare = "exp_avg_sq", *kStep = "step";

// Without LibTorch's operators, which take longer than a small expert's step.
double count_of(const torch::Tensor& step) { return *step.const_data_ptr<float>(); }

void add_to(const torch::Tensor& step, size_t count) { *step.mutable_data_ptr<float>() += static_cast<float>(count); }

}  // namespace

Optimizer::State Adam::initial_state(const std::string&, const torch::Tensor& parameter) const {
  return {{kMean, torch::zeros_like(parameter)},
          {kSquare, torch::zeros_like(parameter)},
          {kStep, torch::zeros({}, torch::kFloat32)}};
}

void Adam::update(const std::vector<Entry>& entries, double lr) {
  std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
  std::vector<ops::AdamStepTensors> followers;
  std::map<std::pair<size_t, double>, ops::AdamStep> by_count;  // idle steps, steps of all
  for (const Entry& entry : entries) {
    auto& state = *entry.state;
    if (!entry.missed.empty()) {
      const double before = count_of(state.at(kStep));
      auto found = by_count.find({entry.missed.size(), before});
      if (found == by_count.end())
        found = by_count.emplace(std::pair(entry.missed.size(), before), step_after(entry, lr)).first;
      add_to(state.at(kStep), entry.missed.size() + 1);
      followers.push_back(
          {entry.parameter, entry.gradient.contiguous(), state.at(kMean), state.at(kSquare), &found->second});
      continue;
    }
    add_to(state.at(kStep), 1);
    parameters.push_back(entry.parameter);
    gradients.push_back(entry.gradient);
    means.push_back(state.at(kMean));
    squares.push_back(state.at(kSquare));
    steps.push_back(state.at(kStep));
  }
  ops::step(followers);
  if (parameters.empty()) return;
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

ops::AdamStep Adam::step_after(const Entry& entry, double lr) const {
  const double before = count_of(entry.state->at(kStep)), t = before + static_cast<double>(entry.missed.size()) + 1;
  const auto idle = idle_steps(entry.missed, before);
  return {.mean_scale = idle.mean_scale,
          .square_scale = idle.square_scale,
          .beta1 = options_.beta1,
          .beta2 = options_.beta2,
          .eps = options_.eps,
          .decay = 1 - lr * weight_decay_,
          .rate = lr / (1 - std::pow(options_.beta1, t)),
          .root_scale = 1 / std::sqrt(1 - std::pow(options_.beta2, t))};
}

bool Adam::can_follow(const Entry& entry) const {
  const bool has_gradient = decay_ == WeightDecay::kInGradient && weight_decay_ > 0;
  return !has_gradient && ops::can_replay(entry.parameter) && ops::can_replay(entry.state->at(kMean)) &&
         ops::can_replay(entry.state->at(kSquare));
}

void Adam::follow(const std::vector<Entry>& entries) const {
  for (const Entry& entry : entries) {
    const auto idle = idle_steps(entry.missed, count_of(entry.state->at(kStep)));
    entry.state->at(kMean).mul_(idle.mean_scale);
    entry.state->at(kSquare).mul_(idle.square_scale);
    add_to(entry.state->at(kStep), entry.missed.size());
  }
}

void Adam::replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) {
  std::vector<Entry> others;
  std::map<double, ops::IdleAdam> by_count;  // of the steps before, which may differ: experts are born late
  std::vector<ops::AdamTensors> tensors;
  for (const Entry& entry : entries) {
    if (!Adam::can_follow(entry)) {
      others.push_back(entry);
      continue;
    }
    auto& state = *entry.state;
    const double before = count_of(state.at(kStep));
    auto found = by_count.find(before);
    if (found == by_count.end()) found = by_count.emplace(before, idle_steps(steps, before)).first;
    tensors.push_back({entry.parameter, state.at(kMean), state.at(kSquare), &found->second});
    if (!weights_only) add_to(state.at(kStep), steps.size());
  }
  ops::replay(tensors, weights_only);
  if (!others.empty()) Optimizer::replay(others, steps, weights_only);
}

}  // namespace heterodyne
