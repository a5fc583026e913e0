#include "heterodyne/train/optimizer.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace heterodyne {

namespace {

// The change of a parameter as it reaches its state, which may lack an axis; nothing when it lacks the one that
// changes.
std::optional<AxisChange> change_of_state(const torch::Tensor& state, int64_t missing_axis, AxisChange change) {
  if (missing_axis < 0) {
    const int64_t missing = state.dim() + 1 + missing_axis;
    if (change.axis == missing) return {};
    if (change.axis > missing) --change.axis;
  }
  if (change.axis >= state.dim()) return {};
  return change;
}

}  // namespace

OptimizerRegistry empty_optimizers() { return OptimizerRegistry("optimizer", Schema::of<OptimizerOptions>()); }

NamedParameters parameters_of(const torch::nn::Module& network) {
  NamedParameters parameters;
  for (const auto& parameter : network.named_parameters()) parameters.emplace_back(parameter.key(), parameter.value());
  return parameters;
}

void Optimizer::step(const NamedParameters& parameters, double lr) {
  const torch::NoGradGuard no_grad;
  std::vector<Entry> entries;
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.requires_grad()) continue;
    auto found = state_.find(name);
    if (found == state_.end()) found = state_.emplace(name, initial_state(name, parameter)).first;
    const auto& gradient = parameter.grad();
    entries.push_back({parameter, gradient.defined() ? gradient : torch::zeros_like(parameter), &found->second});
  }
  if (!entries.empty()) update(entries, lr);
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> all;
  for (const auto& [name, state] : state_) {
    for (const auto& [key, tensor] : state) all.emplace_back(name + "." + key, tensor);
  }
  return all;
}

void Optimizer::load_state(const NamedParameters& parameters,
                           const std::vector<std::pair<std::string, torch::Tensor>>& saved, const std::string& file) {
  std::map<std::string, State> loaded;
  for (const auto& [name, tensor] : saved) {
    const size_t dot = name.rfind('.');
    const std::string owner = name.substr(0, dot), key = dot == std::string::npos ? "" : name.substr(dot + 1);
    const auto parameter =
        std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == owner; });
    if (parameter == parameters.end())
      throw FormatError::in_file(file, fmt::format("{}: no such parameter in this network", owner));
    const State fresh = initial_state(owner, parameter->second);
    const auto expected = fresh.find(key);
    if (expected == fresh.end() || expected->second.sizes() != tensor.sizes()) {
      throw FormatError::in_file(file, fmt::format("{}: does not fit this optimizer", name));
    }
    loaded[owner][key] = tensor.to(expected->second.scalar_type()).clone();
  }
  for (const auto& [owner, state] : loaded) {
    const auto& parameter =
        *std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == owner; });
    if (state.size() != initial_state(owner, parameter.second).size()) {
      throw FormatError::in_file(file, fmt::format("{}: part of its state is missing", owner));
    }
  }
  state_ = std::move(loaded);
}

void Optimizer::remap(const std::string& prefix, const std::vector<AxisChange>& changes) {
  for (const AxisChange& change : changes) {
    const auto found = state_.find(prefix + "." + change.name);
    if (found == state_.end()) continue;
    for (auto& [key, tensor] : found->second) {
      const auto own = change_of_state(tensor, missing_axis(key), change);
      if (!own) continue;
      const auto zeros = torch::zeros_like(tensor.narrow(own->axis, 0, 1));
      tensor = rearranged(tensor, *own, starts_at_mean(key) ? torch::Tensor() : zeros);
    }
  }
}

void Optimizer::keep_only(const NamedParameters& parameters) {
  std::set<std::string> names;
  for (const auto& parameter : parameters) names.insert(parameter.first);
  std::erase_if(state_, [&](const auto& entry) { return !names.contains(entry.first); });
}

double clip_gradients(const NamedParameters& parameters, double limit) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : parameters) {
    if (parameter.second.grad().defined()) gradients.push_back(parameter.second.grad());
  }
  if (gradients.empty()) return 0;
  const double norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
  // The small number keeps the quotient below 1, as the frameworks do.
  if (limit > 0 && norm > limit) at::_foreach_mul_(gradients, limit / (norm + 1e-6));
  return norm;
}

OptimizerOptions rates_of(const Member& optimizer) {
  Table shared;
  for (const auto& field : optimizers().shared().list()) {
    if (const Value* value = optimizer.settings.find(field.name)) shared.set(field.name, *value);
  }
  return read_options<OptimizerOptions>(shared, {"train.optimizer", "optimizer." + optimizer.kind});
}

}  // namespace heterodyne
