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
  std::vector<Record*> late, followed;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, parameter] = parameters[i];
    Record* record = find_record(i, name);
    const bool waits = record && record->behind;
    if (!parameter.requires_grad()) {
      if (waits) late.push_back(record);
      continue;
    }
    const auto& gradient = parameter.grad();
    const bool follows = waits && record->behind->is_state_alone;
    const bool is_idle = !gradient.defined() && !follows && idle_ != "step" && is_of_expert(name);
    if (is_idle && (waits || idle_ == "leave")) continue;
    if (!record) record = &record_of(i, name, parameter);
    if (is_idle) {
      record->behind = Behind{parameter, missed_.size()};
      ++num_behind_;
      continue;
    }
    if (follows) followed.push_back(record);
    else if (waits) late.push_back(record);
    entries.push_back({parameter, gradient.defined() ? gradient : zero_gradient(parameter), &record->state,
                       follows ? missed_by(*record) : std::span<const Rates>()});
  }
  replay_behind(late, false);
  if (!entries.empty()) update(entries, lr);
  for (Record* record : followed) forget_behind(*record);
  for (const Entry& entry : entries) tell_change(entry.parameter);
  if (!is_behind()) missed_.clear();
  else missed_.push_back({lr, momentum()});
}

// Of the i-th parameter of a step; null when there is none. Parameters mostly come in the order of the step before, and
// there are thousands of them.
Optimizer::Record* Optimizer::find_record(size_t i, const std::string& name) {
  if (i < places_.size() && places_[i] != records_.end() && places_[i]->first == name) return &places_[i]->second;
  const auto found = records_.find(name);
  if (i >= places_.size()) places_.resize(i + 1, records_.end());
  places_[i] = found;
  return found == records_.end() ? nullptr : &found->second;
}

Optimizer::Record& Optimizer::record_of(size_t i, const std::string& name, const torch::Tensor& parameter) {
  places_[i] = records_.emplace(name, Record{initial_state(name, parameter)}).first;
  return places_[i]->second;
}

std::span<const Optimizer::Rates> Optimizer::missed_by(const Record& record) const {
  return std::span<const Rates>(missed_).subspan(record.behind->since);
}

void Optimizer::forget_behind(Record& record) {
  record.behind.reset();
  --num_behind_;
}

std::vector<Optimizer::Record*> Optimizer::all_behind() {
  std::vector<Record*> all;
  for (auto& [name, record] : records_)
    if (record.behind) all.push_back(&record);
  return all;
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
  replay_behind(all_behind(), false);
  missed_.clear();
}

// What was read is to be stepped next, and state may wait for that.
void Optimizer::catch_up(const std::string& layer, const std::vector<int64_t>& ids) {
  if (!is_behind()) return;
  std::vector<Record*> whole, weights;
  for (const int64_t id : ids) {
    const std::string prefix = fmt::format("{}.experts.{}.", layer, id);
    for (auto i = records_.lower_bound(prefix); i != records_.end() && i->first.starts_with(prefix); ++i) {
      Record& record = i->second;
      if (!record.behind || record.behind->is_state_alone) continue;
      const bool is_late = !missed_by(record).empty();
      (is_late && can_follow({record.behind->parameter, {}, &record.state}) ? weights : whole).push_back(&record);
    }
  }
  replay_behind(whole, false);
  replay_behind(weights, true);
  for (Record* record : weights) record->behind->is_state_alone = true;
}

void Optimizer::replay_behind(const std::vector<Record*>& who, bool weights_only) {
  const torch::NoGradGuard no_grad;
  std::map<size_t, std::vector<Entry>> by_start;
  std::vector<Entry> followers;
  for (Record* record : who) {
    const Entry entry{record->behind->parameter, {}, &record->state, missed_by(*record)};
    if (record->behind->is_state_alone) {
      if (!weights_only) followers.push_back(entry);
      continue;
    }
    by_start[record->behind->since].push_back(entry);
    tell_change(entry.parameter);
  }
  for (const auto& [since, entries] : by_start)
    if (since < missed_.size()) replay(entries, entries.front().missed, weights_only);
  follow(followers);
  if (weights_only) return;
  for (Record* record : who) forget_behind(*record);
}

Optimizer::State Optimizer::copy_of(const State& state) {
  State copy;
  for (const auto& [key, tensor] : state) copy[key] = tensor.clone();
  return copy;
}

void Optimizer::replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) {
  std::vector<Entry> all = entries;
  std::vector<State> kept;
  for (Entry& entry : all) {
    entry.gradient = zero_gradient(entry.parameter);
    entry.missed = {};
    if (!weights_only) continue;
    kept.push_back(copy_of(*entry.state));
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
  const auto all = optimizer.all_behind();
  for (auto* record : all) record->behind->weight_kept = record->behind->parameter.detach().clone();
  optimizer.replay_behind(all, true);
}

CaughtUp::~CaughtUp() {
  const torch::NoGradGuard no_grad;
  for (auto* record : optimizer_.all_behind()) {
    record->behind->parameter.copy_(record->behind->weight_kept);
    record->behind->weight_kept = torch::Tensor();
  }
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> all;
  bool has_missed = false;
  for (const auto& [name, record] : records_) {
    const bool follows = record.behind && record.behind->is_state_alone;
    State followed;
    if (follows) {
      followed = copy_of(record.state);
      follow({{record.behind->parameter, {}, &followed, missed_by(record)}});
    }
    for (const auto& [key, tensor] : follows ? followed : record.state) all.emplace_back(name + "." + key, tensor);
    if (!record.behind || follows) continue;
    const Behind& behind = *record.behind;
    has_missed = true;
    all.emplace_back(name + "." + kIdleSince, torch::tensor(static_cast<int64_t>(behind.since)));
    all.emplace_back(name + "." + kIdleWeight,
                     behind.weight_kept.defined() ? behind.weight_kept : behind.parameter.detach());
  }
  if (!has_missed) return all;
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
  RecordByName loaded;
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
    loaded[owner].state[key] = tensor.to(expected->second.scalar_type()).clone();
  }
  for (const auto& [owner, record] : loaded) {
    if (record.state.size() != initial_state(owner, parameter_named(owner, parameters, file)).size()) {
      throw FormatError::in_file(file, fmt::format("{}: part of its state is missing", owner));
    }
  }
  records_ = std::move(loaded);
  places_.clear();
  load_behind(parameters, behind, file);
}

// Of parameters whose steps were put off: since when, and the values of then.
void Optimizer::load_behind(const NamedParameters& parameters,
                            const std::vector<std::pair<std::string, torch::Tensor>>& saved, const std::string& file) {
  const torch::NoGradGuard no_grad;
  num_behind_ = 0;
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
    const auto record = records_.find(owner);
    const bool fits = record != records_.end() && since.defined() && since.numel() == 1 && weight.defined() &&
                      weight.sizes() == parameter.sizes();
    const int64_t first = fits ? since.item<int64_t>() : -1;
    if (first < 0 || first > static_cast<int64_t>(missed_.size()))
      throw FormatError::in_file(file, fmt::format("{}: the steps that it missed do not fit", owner));
    parameter.detach().copy_(weight);
    record->second.behind = Behind{parameter, static_cast<size_t>(first)};
    ++num_behind_;
  }
}

void Optimizer::remap(const std::string& prefix, const std::vector<AxisChange>& changes) {
  for (const AxisChange& change : changes) {
    const auto found = records_.find(prefix + "." + change.name);
    if (found == records_.end()) continue;
    for (auto& [key, tensor] : found->second.state) {
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
  std::erase_if(records_, [&](const auto& entry) { return !names.contains(entry.first); });
  places_.clear();
  num_behind_ = all_behind().size();
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
