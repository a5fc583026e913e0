#include "heterodyne/train/optimizer.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace heterodyne {

namespace {

constexpr const char *kMissedSteps = "missed_steps", *kIdleSince = "idle_since", *kIdleWeight = "idle_weight";

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

// LibTorch's fused steps and our own write without a word: who keeps something made of the values is to see that they
// change.
void tell_change(const torch::Tensor& parameter) { parameter.unsafeGetTensorImpl()->bump_version(); }

}  // namespace

OptimizerRegistry empty_optimizers() { return OptimizerRegistry("optimizer", Schema::of<OptimizerOptions>()); }

NamedParameters parameters_of(const torch::nn::Module& network) {
  NamedParameters parameters;
  for (const auto& parameter : network.named_parameters()) parameters.emplace_back(parameter.key(), parameter.value());
  return parameters;
}

bool is_of_expert(const std::string& name) {
  return name.starts_with("experts.") || name.find(".experts.") != std::string::npos;
}

void Optimizer::step(const NamedParameters& parameters, double lr) {
  const torch::NoGradGuard no_grad;
  std::vector<Entry> entries;
  std::vector<BehindByName::value_type*> late;
  for (const auto& [name, parameter] : parameters) {
    const auto behind = behind_.find(name);
    if (!parameter.requires_grad()) {
      if (behind != behind_.end()) late.push_back(&*behind);
      continue;
    }
    const auto& gradient = parameter.grad();
    const bool is_idle = !gradient.defined() && idle_ != "step" && is_of_expert(name);
    if (is_idle && idle_ == "leave") continue;
    if (is_idle && behind != behind_.end()) continue;
    auto found = state_.find(name);
    if (found == state_.end()) found = state_.emplace(name, initial_state(name, parameter)).first;
    if (is_idle) {
      behind_.emplace(name, Behind{parameter, missed_.size()});
      continue;
    }
    if (behind != behind_.end()) late.push_back(&*behind);
    entries.push_back({parameter, gradient.defined() ? gradient : zero_gradient(parameter), &found->second});
  }
  replay_behind(late, false);
  if (!entries.empty()) update(entries, lr);
  for (const Entry& entry : entries) tell_change(entry.parameter);
  if (behind_.empty()) missed_.clear();
  else missed_.push_back({lr, momentum()});
}

// Read only, so all may be the same memory.
torch::Tensor Optimizer::zero_gradient(const torch::Tensor& parameter) {
  const auto same = std::find_if(zeros_.begin(), zeros_.end(), [&](const torch::Tensor& zeros) {
    return zeros.scalar_type() == parameter.scalar_type() && zeros.device() == parameter.device();
  });
  torch::Tensor& zeros = same == zeros_.end() ? zeros_.emplace_back() : *same;
  if (!zeros.defined() || zeros.numel() < parameter.numel())
    zeros = torch::zeros({parameter.numel()}, parameter.options());
  return zeros.narrow(0, 0, parameter.numel()).view(parameter.sizes());
}

void Optimizer::catch_up() {
  std::vector<BehindByName::value_type*> all;
  for (auto& behind : behind_) all.push_back(&behind);
  replay_behind(all, false);
  missed_.clear();
}

void Optimizer::catch_up(const std::string& layer, const std::vector<int64_t>& ids) {
  if (behind_.empty()) return;
  std::vector<BehindByName::value_type*> who;
  for (const int64_t id : ids) {
    const std::string prefix = fmt::format("{}.experts.{}.", layer, id);
    for (auto i = behind_.lower_bound(prefix); i != behind_.end() && i->first.starts_with(prefix); ++i)
      who.push_back(&*i);
  }
  replay_behind(who, false);
}

void Optimizer::replay_behind(const std::vector<BehindByName::value_type*>& who, bool weights_only) {
  const torch::NoGradGuard no_grad;
  std::map<size_t, std::vector<Entry>> by_start;
  for (auto* behind : who) {
    by_start[behind->second.since].push_back({behind->second.parameter, {}, &state_.at(behind->first)});
    tell_change(behind->second.parameter);
  }
  for (const auto& [since, entries] : by_start)
    if (since < missed_.size()) replay(entries, std::span<const Rates>(missed_).subspan(since), weights_only);
  if (weights_only) return;
  for (auto* behind : who) behind_.erase(behind_.find(behind->first));
}

void Optimizer::replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) {
  std::vector<Entry> all = entries;
  std::vector<State> kept;
  for (Entry& entry : all) {
    entry.gradient = zero_gradient(entry.parameter);
    if (!weights_only) continue;
    State& copy = kept.emplace_back();
    for (const auto& [key, tensor] : *entry.state) copy[key] = tensor.clone();
  }
  const double before = momentum();
  for (const Rates& rates : steps) {
    set_momentum(rates.momentum);
    update(all, rates.lr);
  }
  set_momentum(before);
  for (size_t i = 0; i < kept.size(); ++i) *all[i].state = std::move(kept[i]);
}

CaughtUp::CaughtUp(Optimizer& optimizer) : optimizer_(optimizer) {
  const torch::NoGradGuard no_grad;
  std::vector<Optimizer::BehindByName::value_type*> all;
  for (auto& behind : optimizer.behind_) {
    behind.second.weight_kept = behind.second.parameter.detach().clone();
    all.push_back(&behind);
  }
  optimizer.replay_behind(all, true);
}

CaughtUp::~CaughtUp() {
  const torch::NoGradGuard no_grad;
  for (auto& [name, behind] : optimizer_.behind_) {
    behind.parameter.copy_(behind.weight_kept);
    behind.weight_kept = torch::Tensor();
  }
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> all;
  for (const auto& [name, state] : state_) {
    for (const auto& [key, tensor] : state) all.emplace_back(name + "." + key, tensor);
    const auto found = behind_.find(name);
    if (found == behind_.end()) continue;
    const Behind& behind = found->second;
    all.emplace_back(name + "." + kIdleSince, torch::tensor(static_cast<int64_t>(behind.since)));
    all.emplace_back(name + "." + kIdleWeight,
                     behind.weight_kept.defined() ? behind.weight_kept : behind.parameter.detach());
  }
  if (behind_.empty()) return all;
  auto missed = torch::empty({static_cast<int64_t>(missed_.size()), 2}, torch::kFloat64);
  auto values = missed.accessor<double, 2>();
  for (int64_t i = 0; i < missed.size(0); ++i) {
    values[i][0] = missed_[static_cast<size_t>(i)].lr;
    values[i][1] = missed_[static_cast<size_t>(i)].momentum;
  }
  all.emplace_back(kMissedSteps, missed);
  return all;
}

namespace {

// "layers.0.w.exp_avg" belongs to "layers.0.w".
struct StateName {
  std::string owner, key;
  explicit StateName(const std::string& name) {
    const size_t dot = name.rfind('.');
    owner = name.substr(0, dot);
    key = dot == std::string::npos ? "" : name.substr(dot + 1);
  }
};

torch::Tensor parameter_named(const std::string& name, const NamedParameters& parameters, const std::string& file) {
  const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == name; });
  if (found == parameters.end())
    throw FormatError::in_file(file, fmt::format("{}: no such parameter in this network", name));
  return found->second;
}

}  // namespace

void Optimizer::load_state(const NamedParameters& parameters,
                           const std::vector<std::pair<std::string, torch::Tensor>>& saved, const std::string& file) {
  std::map<std::string, State> loaded;
  std::vector<std::pair<std::string, torch::Tensor>> behind;
  for (const auto& [name, tensor] : saved) {
    const auto [owner, key] = StateName(name);
    if (name == kMissedSteps || key == kIdleSince || key == kIdleWeight) {
      behind.emplace_back(name, tensor);
      continue;
    }
    const State fresh = initial_state(owner, parameter_named(owner, parameters, file));
    const auto expected = fresh.find(key);
    if (expected == fresh.end() || expected->second.sizes() != tensor.sizes()) {
      throw FormatError::in_file(file, fmt::format("{}: does not fit this optimizer", name));
    }
    loaded[owner][key] = tensor.to(expected->second.scalar_type()).clone();
  }
  for (const auto& [owner, state] : loaded) {
    if (state.size() != initial_state(owner, parameter_named(owner, parameters, file)).size()) {
      throw FormatError::in_file(file, fmt::format("{}: part of its state is missing", owner));
    }
  }
  state_ = std::move(loaded);
  load_behind(parameters, behind, file);
}

// Of parameters whose steps were put off: since when, and the values of then.
void Optimizer::load_behind(const NamedParameters& parameters,
                            const std::vector<std::pair<std::string, torch::Tensor>>& saved, const std::string& file) {
  const torch::NoGradGuard no_grad;
  behind_.clear();
  missed_.clear();
  std::map<std::string, std::pair<torch::Tensor, torch::Tensor>> by_owner;  // since, weight
  for (const auto& [name, tensor] : saved) {
    if (name == kMissedSteps) {
      if (tensor.dim() != 2 || tensor.size(1) != 2 || tensor.scalar_type() != torch::kFloat64)
        throw FormatError::in_file(file, fmt::format("{}: expected float64 [steps, 2]", name));
      const auto steps = tensor.contiguous();
      const double* values = steps.const_data_ptr<double>();
      for (int64_t i = 0; i < steps.size(0); ++i) missed_.push_back({values[2 * i], values[2 * i + 1]});
      continue;
    }
    const auto [owner, key] = StateName(name);
    (key == kIdleSince ? by_owner[owner].first : by_owner[owner].second) = tensor;
  }
  for (const auto& [owner, values] : by_owner) {
    const auto& [since, weight] = values;
    const auto parameter = parameter_named(owner, parameters, file);
    const bool fits = state_.contains(owner) && since.defined() && since.numel() == 1 && weight.defined() &&
                      weight.sizes() == parameter.sizes();
    const int64_t first = fits ? since.item<int64_t>() : -1;
    if (first < 0 || first > static_cast<int64_t>(missed_.size()))
      throw FormatError::in_file(file, fmt::format("{}: the steps that it missed do not fit", owner));
    parameter.detach().copy_(weight);
    behind_.emplace(owner, Behind{parameter, static_cast<size_t>(first)});
  }
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
  std::erase_if(behind_, [&](const auto& entry) { return !names.contains(entry.first); });
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
