#include "heterodyne/train/rehearsal.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "heterodyne/base/text.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne {
namespace {

// "[3, 1]", the place of element `flat` in a tensor of these sizes.
std::string place_of(int64_t flat, torch::IntArrayRef sizes) {
  std::vector<std::string> places(sizes.size());
  for (size_t d = sizes.size(); d-- > 0; flat /= sizes[d]) places[d] = std::to_string(flat % sizes[d]);
  return "[" + join(places) + "]";
}

void compare(const std::string& name, const torch::Tensor& one, const torch::Tensor& other, Difference& difference) {
  difference.num_values += one.numel();
  if (one.sizes() != other.sizes() || one.scalar_type() != other.scalar_type()) {
    difference.num_different += one.numel();
    if (difference.first.empty()) difference.first = name + ": another shape or dtype";
    return;
  }
  const auto a = one.detach().contiguous(), b = other.detach().contiguous();
  const auto* bytes_a = static_cast<const char*>(a.const_data_ptr());
  const auto* bytes_b = static_cast<const char*>(b.const_data_ptr());
  const size_t width = a.element_size();
  if (std::memcmp(bytes_a, bytes_b, a.nbytes()) == 0) return;
  for (int64_t i = 0; i < a.numel(); ++i) {
    const size_t at = static_cast<size_t>(i) * width;
    if (std::memcmp(bytes_a + at, bytes_b + at, width) == 0) continue;
    ++difference.num_different;
    if (!difference.first.empty()) continue;
    const auto value = [&](const torch::Tensor& tensor) { return shortest(tensor.view(-1)[i].item<double>()); };
    difference.first = fmt::format("{}{}: {} and {}", name, place_of(i, a.sizes()), value(a), value(b));
  }
}

void append(Values& values, const std::string& prefix, const Values& more) {
  for (const auto& [name, tensor] : more) values.emplace_back(prefix + name, tensor);
}

class ThreadCount {
 public:
  explicit ThreadCount(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~ThreadCount() { at::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

// bool [T, E]
torch::Tensor chosen_TE(const Routing& routing) {
  const auto chosen = torch::zeros({routing.num_tokens(), routing.num_experts()}, torch::kBool);
  return chosen.index_put_({routing.plan.token_N, routing.plan.expert_N}, torch::ones({}, torch::kBool));
}

// Rows of scores that are the same to the bit, bool [T]; all of them when the router keeps no scores.
torch::Tensor same_scores_T(const Routing& one, const Routing& other) {
  if (!one.prob_TE.defined()) return torch::ones({one.num_tokens()}, torch::kBool);
  return one.prob_TE.eq(other.prob_TE).all(1);
}

}  // namespace

Difference compare_values(const Values& one, const Values& other) {
  Difference difference;
  for (size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
    if (i < one.size() && i < other.size() && one[i].first == other[i].first) {
      compare(one[i].first, one[i].second, other[i].second, difference);
      continue;
    }
    const auto& [name, tensor] = i < one.size() ? one[i] : other[i];
    difference.num_values += tensor.numel();
    difference.num_different += tensor.numel();
    if (difference.first.empty()) difference.first = name + ": is in one of them only";
  }
  return difference;
}

struct Rehearsal::Run {
  std::shared_ptr<Network> network;
  std::shared_ptr<Optimizer> optimizer;
  TrainState state;
};

Rehearsal::Rehearsal(const Trial& trial) : trial_(trial), experiment_(experiment_of(trial.checkpoint)) {
  // The steps must not meet the end of the run, which does more than a step.
  const Loader loader(trial.dataset, Split::kTrain, loader_options(experiment_, Split::kTrain));
  auto& options = experiment_.options.train;
  const auto per_epoch = std::max<int64_t>(1, loader.num_batches() / options.accumulate);
  const int64_t needed = (trial.checkpoint.state.step + trial.num_steps) / per_epoch + 1;
  options.epochs = std::max(options.epochs, static_cast<double>(needed));
  options.early_stop.patience = 0;
}

Rehearsal::Run Rehearsal::start() const {
  Run run{make_network(experiment_), optimizers().make(experiment_.options.train.optimizer), trial_.checkpoint.state};
  load_checkpoint(trial_.checkpoint, *run.network, run.optimizer.get());
  return run;
}

void Rehearsal::train(Run& run, int64_t num_steps) const {
  int64_t num_done = 0;
  Trainer trainer(
      {experiment_, trial_.dataset, *run.network, *run.optimizer, {}, nullptr, [&] { return ++num_done >= num_steps; }},
      run.state);
  trainer.run();
  run.state = trainer.state();
}

Rehearsal::Outcome Rehearsal::outcome_of(const Run& run) {
  Outcome outcome{{}, run.state};
  append(outcome.values, "model: ", state_of(*run.network));
  append(outcome.values, "optimizer: ", run.optimizer->state());
  append(outcome.values, "growth: ", Values(run.state.growth.begin(), run.state.growth.end()));
  append(outcome.values, "average: ", Values(run.state.averages.begin(), run.state.averages.end()));
  return outcome;
}

const Rehearsal::Outcome& Rehearsal::unbroken() {
  if (!unbroken_) {
    Run run = start();
    train(run, trial_.num_steps);
    unbroken_ = outcome_of(run);
  }
  return *unbroken_;
}

Difference Rehearsal::difference_to(const Run& run) {
  const Outcome outcome = outcome_of(run);
  Difference difference = compare_values(unbroken().values, outcome.values);
  const Table one = to_table(unbroken().state), other = to_table(outcome.state);
  for (const auto& [key, value] : one.entries()) {
    const Value* same = other.find(key);
    if (same && *same == value) continue;
    ++difference.num_different;
    if (difference.first.empty()) difference.first = "state: " + key;
  }
  return difference;
}

Difference Rehearsal::resume_difference(const std::string& scratch) {
  Run first = start();
  train(first, trial_.num_steps / 2);
  const std::string folder = CheckpointFolder(scratch).folder_of(first.state.step);
  save_checkpoint(folder, *first.network, *first.optimizer, first.state, experiment_);
  const auto middle = read_checkpoint(folder);
  Run second{make_network(experiment_), optimizers().make(experiment_.options.train.optimizer), middle.state};
  load_checkpoint(middle, *second.network, second.optimizer.get());
  train(second, trial_.num_steps - trial_.num_steps / 2);
  return difference_to(second);
}

Difference Rehearsal::repeat_difference() {
  Run run = start();
  train(run, trial_.num_steps);
  return difference_to(run);
}

Difference Rehearsal::plan_difference(int num_threads) {
  const Run run = start();
  run.network->eval();
  Loader loader(trial_.dataset, Split::kTrain, loader_options(experiment_, Split::kTrain));
  loader.start(0);
  Batch batch = *loader.next();
  set_dtype(batch, experiment_.dtype());
  const auto layers_with = [&](int count) {
    const torch::NoGradGuard no_grad;
    const ThreadCount threads(count);
    RoutingLog log;
    log.keep_pairs = log.keep_scores = true;
    run.network->forward(batch, &log);
    return log.layers;
  };
  const auto one = layers_with(1), several = layers_with(num_threads);
  Difference difference;
  for (size_t l = 0; l < one.size(); ++l) {
    const Routing &a = one[l].routing, &b = several[l].routing;
    const auto same_T = same_scores_T(a, b);
    const auto differs_T = chosen_TE(a).ne(chosen_TE(b)).any(1).logical_and(same_T);
    const auto num_different = differs_T.sum().item<int64_t>();
    difference.num_values += same_T.sum().item<int64_t>();
    difference.num_different += num_different;
    if (num_different > 0 && difference.first.empty())
      difference.first = fmt::format("{}: token {}", one[l].layer, differs_T.nonzero()[0].item<int64_t>());
  }
  return difference;
}

}  // namespace heterodyne
