#include "heterodyne/train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/model/compact.h"
#include "heterodyne/nn/undrawn.h"
#include "heterodyne/train/window.h"

namespace heterodyne {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int64_t steps_per_epoch(const TrainOptions& options, int64_t num_batches) {
  return (num_batches + options.accumulate - 1) / options.accumulate;
}

// Of data with numbers in the place of classes there are no names of classes, and one answer.
int64_t num_classes_of(const Dataset& dataset) {
  const auto named = static_cast<int64_t>(dataset.class_names().size());
  if (named == 0) return dataset.shape().num_classes;
  return named == 1 ? 0 : named;
}

// What the best checkpoint is best at, without "valid.".
std::string best_score(const TrainOptions& options, const Dataset& dataset) {
  const std::string score = options.checkpoint.best.substr(options.checkpoint.best.find('.') + 1);
  std::vector<std::string> known;
  for (const auto& name : score_names(num_classes_of(dataset))) {
    if (name == score) return score;
    known.push_back("valid." + name);
  }
  throw ConfigError("train", "checkpoint.best",
                    fmt::format("expected one of {} on this data, got {}", join(known), options.checkpoint.best));
}

double score_of(const ClassificationMetrics& metrics, const std::string& wanted) {
  std::vector<std::string> known;
  for (const auto& [name, score] : metrics.scores()) {
    if (name == wanted) return score;
    known.push_back("valid." + name);
  }
  throw ConfigError("train", "checkpoint.best",
                    fmt::format("expected one of {}, which the network's answers have, got valid.{}; has it as many "
                                "classes as the data?",
                                join(known), wanted));
}

}  // namespace

std::shared_ptr<Network> checked_network(const Experiment& experiment) {
  constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max() / 2;
  const auto& options = experiment.options.train;
  const nn::Undrawn undrawn;
  auto network = make_network(experiment);
  const int64_t examples = nominal_train_size(experiment), batch = loader_options(experiment, Split::kTrain).batch;
  GrowerContext context{*network, kUnknown, kUnknown};
  if (examples > 0) {
    const int64_t per_epoch = steps_per_epoch(options, (examples + batch - 1) / batch);
    const auto last = phases_of(options, per_epoch, 0).back();
    context.num_steps = last.first_step + last.num_steps;
    context.num_validations = (context.num_steps - 1) / per_epoch;
  }
  growers().make(options.grower, context);
  return network;
}

Trainer::Trainer(TrainerParts parts, TrainState state)
    : parts_(std::move(parts)),
      state_(std::move(state)),
      train_loader_(parts_.dataset, Split::kTrain, loader_options(parts_.experiment, Split::kTrain)),
      valid_loader_(parts_.dataset, Split::kValid, loader_options(parts_.experiment, Split::kValid)),
      schedule_(schedules().make(parts_.experiment.options.train.schedule)),
      rates_(rates_of(parts_.experiment.options.train.optimizer)),
      best_score_(best_score(parts_.experiment.options.train, parts_.dataset)),
      has_accuracy_(num_classes_of(parts_.dataset) != 1) {
  const auto& options = parts_.experiment.options.train;
  take_train_size();
  const int64_t per_epoch = steps_per_epoch(options, train_loader_.num_batches());
  phases_ = phases_of(options, per_epoch, rates_.lr);
  plan_ = {phases_.back().first_step + phases_.back().num_steps, per_epoch, state_.step,
           options.head.epochs + options.epochs};
  const int64_t validations = valid_loader_.num_batches() > 0 ? (plan_.num_steps - 1) / per_epoch : 0;
  grower_ = growers().make(options.grower, GrowerContext{parts_.network, plan_.num_steps, validations});
  should_end_early_ = options.early_stop.patience > 0 && state_.num_worse >= options.early_stop.patience;
}

// The order of the data, and where in it a run is, are those of so many examples.
void Trainer::take_train_size() {
  const int64_t now = parts_.dataset.size(Split::kTrain), before = state_.step > 0 ? state_.train_size : 0;
  if (before > 0 && before != now) {
    throw ConfigError(fmt::format(
        "data.{}: expected the {} training examples that there were at step {}, got {}; a run "
        "goes on with the data it began with",
        parts_.experiment.options.data.kind, with_commas(before), with_commas(state_.step), with_commas(now)));
  }
  state_.train_size = now;
}

TrainEnd Trainer::run() {
  for (Hook* hook : parts_.hooks) hook->on_start(plan_);
  while (state_.step < plan_.num_steps && !should_end_early_) {
    if (!run_epoch()) return TrainEnd::kInterrupted;
  }
  parts_.optimizer.catch_up();
  return state_.step < plan_.num_steps ? TrainEnd::kEarlyStop : TrainEnd::kDone;
}

// Runs to the end of the epoch or of the run. Returns false when it was told to stop before that.
bool Trainer::run_epoch() {
  train_loader_.start(state_.epoch, state_.batch);
  while (state_.step < plan_.num_steps) {
    const double begin = seconds_now();
    auto batches = next_batches();
    step(std::move(batches), begin);

    const bool at_epoch_end = state_.batch >= train_loader_.num_batches();
    const int64_t epochs_done = state_.epoch + (at_epoch_end ? 1 : 0);
    if (at_epoch_end) {
      ++state_.epoch;
      state_.batch = 0;
      state_.carry.clear();  // an epoch begins its texts anew
    }
    const bool at_end = state_.step == plan_.num_steps;
    if (state_.step % parts_.experiment.options.train.log_every == 0 || at_end) report_window();
    const bool is_best = (at_epoch_end || at_end) && validate();
    const bool stopped = parts_.should_stop && parts_.should_stop();
    if (at_end || should_end_early_ || is_best || stopped || is_checkpoint_due(at_epoch_end, epochs_done)) save();
    if (stopped && !at_end && !should_end_early_) return false;
    if (at_epoch_end) return true;
  }
  return true;
}

std::vector<Batch> Trainer::next_batches() {
  const ProfileSpan span(parts_.profile, "data");
  std::vector<Batch> batches;
  while (static_cast<int64_t>(batches.size()) < parts_.experiment.options.train.accumulate) {
    auto batch = train_loader_.next();
    if (!batch) break;
    set_dtype(*batch, parts_.experiment.dtype());
    batch->random = {parts_.experiment.seed(), static_cast<uint64_t>(state_.micro_step++)};
    batches.push_back(std::move(*batch));
  }
  HETERODYNE_DCHECK(!batches.empty());
  state_.batch += static_cast<int64_t>(batches.size());
  return batches;
}

// The phase of the next step. A later phase begins with an optimizer that has forgotten the one before.
const Phase& Trainer::enter_phase() {
  const size_t now = phase_at(phases_, state_.step);
  const Phase& phase = phases_[now];
  if (phase_ == now) return phase;
  phase_ = now;
  if (now > 0 && state_.step == phase.first_step) {
    parts_.optimizer.catch_up();
    parts_.optimizer.keep_only({});
  }
  freeze_.apply(parts_.network, phase.freeze);
  if (parts_.experiment.options.train.frozen_dtype == "bf16")
    compact_weights(parts_.network, ops::Compact::kBf16, CompactScope::kFrozen);
  round_learning(parts_.experiment, parts_.network);
  return phase;
}

void Trainer::step(std::vector<Batch> batches, double begin) {
  const Phase& phase = enter_phase();
  const StepRates rates = schedule_->at(state_.step - phase.first_step, phase.num_steps);
  if (rates.momentum) parts_.optimizer.set_momentum(*rates.momentum);
  lr_ = phase.lr * rates.lr_factor;
  StepResult result;
  try {
    result = train_step(parts_.network, parts_.optimizer,
                        {std::move(batches), lr_, rates_.clip_norm, state_.carry, parts_.profile});
  } catch (const ShapeError&) {
    throw;  // of settings, not of values
  } catch (const Error& error) {
    const auto last = parts_.keeper ? parts_.keeper->last_step() : std::nullopt;
    throw Error(fmt::format("step {}: {}. {}. Next: a smaller train.optimizer.lr, or train.optimizer.clip_norm",
                            with_commas(state_.step + 1), error.what(),
                            last ? "Last good checkpoint: step " + with_commas(*last) : "There is no checkpoint yet"));
  }
  const int64_t epoch = state_.epoch + 1;
  ++state_.step;
  state_.carry = std::move(result.carry);
  add(state_.window, result);
  const double seconds = seconds_now() - begin;
  window_seconds_ += seconds;
  window_examples_ += result.num_examples;
  for (Hook* hook : parts_.hooks) hook->on_step({state_.step, epoch, lr_, seconds, result});
  const double decay = parts_.experiment.options.train.average.decay;
  if (decay > 0) parts_.optimizer.catch_up();  // averages are of all weights
  if (decay > 0) update_averages(state_.averages, parts_.network, decay, state_.step);
  grow([&](Pool& pool) { grower_->after_step({state_.step, result.sums}, state_.growth, pool); });
}

// Statistics of a window are by position, so a window ends before experts change places.
void Trainer::grow(const std::function<void(Pool& pool)>& decide) {
  Pool pool({parts_.network, parts_.optimizer, state_.averages, parts_.experiment.seed(), [&] { report_window(); }},
            grower_->pool_options());
  decide(pool);
  if (pool.events().empty()) return;
  freeze_.apply(parts_.network, phases_[*phase_].freeze);  // newcomers too
  round_learning(parts_.experiment, parts_.network);
  const GrowthReport report{state_.step, pool.events()};
  for (Hook* hook : parts_.hooks) hook->on_growth(report);
}

void Trainer::report_window() {
  if (state_.window.num_steps == 0) return;
  const auto per_epoch = static_cast<double>(plan_.steps_per_epoch);
  Table values{{"step", state_.step}, {"epoch", static_cast<double>(state_.step) / per_epoch}, {"kind", "train"}};
  const Table measured = averages(state_.window);
  for (const auto& [key, value] : measured.entries()) {
    if (key != "accuracy" || has_accuracy_) values.set(key, value);
  }
  values.set("lr", lr_);
  values.set("examples_per_s", static_cast<double>(window_examples_) / window_seconds_);
  const LogReport report{state_.step, state_.window.num_steps, std::move(values), loads()};
  for (Hook* hook : parts_.hooks) hook->on_log(report);
  state_.window = {};
  window_seconds_ = 0;
  window_examples_ = 0;
}

// Of the window, with the experts' ids.
std::vector<LayerLoad> Trainer::loads() const {
  std::vector<LayerLoad> all;
  const auto layers = parts_.network.moe_layers();
  for (size_t l = 0; l < layers.size() && l < state_.window.routing.size(); ++l)
    all.push_back({state_.window.routing[l], layers[l]->ids()});
  return all;
}

// Returns whether this is the best so far.
bool Trainer::validate() {
  if (valid_loader_.num_batches() == 0) return false;
  parts_.optimizer.catch_up();
  const auto& options = parts_.experiment.options.train;
  RoutingRecorder recorder(parts_.network, recorder_options(parts_.dataset, Split::kValid, parts_.experiment.seed()));
  std::optional<AveragedWeights> averaged;
  if (options.average.validate) averaged.emplace(parts_.network, state_.averages);
  const auto evaluation = evaluate(parts_.network, valid_loader_, parts_.experiment.dtype(), &recorder);
  averaged.reset();
  const auto routing =
      profile_of(parts_.network, evaluation, &recorder, Table{{"split", "valid"}, {"step", state_.step}});
  const double value = score_of(evaluation.metrics, best_score_);
  const double sign = is_better_higher(best_score_) ? 1 : -1;
  const bool is_best = std::isfinite(value) && (!state_.best || sign * value > sign * state_.best->value);
  if (is_best) state_.best = Best{value, state_.step};
  state_.num_worse = is_best ? 0 : state_.num_worse + 1;
  should_end_early_ = options.early_stop.patience > 0 && state_.num_worse >= options.early_stop.patience;
  const int64_t epoch = (state_.step + plan_.steps_per_epoch - 1) / plan_.steps_per_epoch;
  for (Hook* hook : parts_.hooks) hook->on_validation({state_.step, epoch, evaluation, routing, is_best});
  grower_->after_validation(evaluation.metrics.loss(), state_.growth);
  return is_best;
}

bool Trainer::is_checkpoint_due(bool at_epoch_end, int64_t epochs_done) const {
  const auto& options = parts_.experiment.options.train.checkpoint;
  const bool by_epoch = at_epoch_end && options.every_epochs > 0 && epochs_done % options.every_epochs == 0;
  return by_epoch || (options.every_steps > 0 && state_.step % options.every_steps == 0);
}

void Trainer::save() {
  if (parts_.keeper) parts_.keeper->save(parts_.network, parts_.optimizer, state_);
}

}  // namespace heterodyne
