// Trainer: the loop. Knows no network and no data set; what it needs of them comes in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/log.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/model/freeze.h"
#include "heterodyne/train/experiment.h"
#include "heterodyne/train/hook.h"
#include "heterodyne/train/phases.h"
#include "heterodyne/train/state.h"

namespace heterodyne {

/// Keeps what a run must not lose. The trainer says when; see run_folder.h for the one that writes files.
class Keeper {
 public:
  virtual ~Keeper() = default;
  /// Saves the network, the optimizer and the state. A failure is its own to report; the run goes on.
  virtual void save(Network& network, Optimizer& optimizer, const TrainState& state) = 0;
  /// The step of the newest sound checkpoint, or nothing.
  virtual std::optional<int64_t> last_step() const = 0;
};

struct TrainerParts {
  const Experiment& experiment;
  const Dataset& dataset;
  Network& network;
  Optimizer& optimizer;
  std::vector<Hook*> hooks;
  Keeper* keeper = nullptr;           // may be null
  std::function<bool()> should_stop;  // asked after each step; may be empty
  Profile* profile = nullptr;         // where the time of the steps goes: train_step()'s parts and "data"
};

enum class TrainEnd { kDone, kEarlyStop, kInterrupted };

/// The network of an experiment to look at its settings, not at its weights, which are not drawn. Throws ConfigError as
/// make_network(), and when the grower cannot work with the network, or with a run over as many examples as the data
/// nominally have; where nobody knows how many, the run's length is not looked at.
std::shared_ptr<Network> checked_network(const Experiment& experiment);

class Trainer {
 public:
  /// `state` is a fresh one, or that of the checkpoint whose values network and optimizer hold. Throws ConfigError when
  /// there are fewer training examples than a batch has, when the grower cannot work with this network or run, when the
  /// best checkpoint is to be best at what the data has no score of, or when the state is of other data.
  Trainer(TrainerParts parts, TrainState state);

  /// Trains to the end, or until should_stop. Equal inputs and equal thread counts give equal bits, whether the run was
  /// broken and resumed or not. Throws Error when a loss or gradient is not finite.
  TrainEnd run();

  const TrainState& state() const { return state_; }
  const TrainPlan& plan() const { return plan_; }

 private:
  void take_train_size();
  bool run_epoch();
  std::vector<Batch> next_batches();
  const Phase& enter_phase();
  void step(std::vector<Batch> batches, double begin);
  void grow(const std::function<void(Pool& pool)>& decide);
  void report_window();
  std::vector<LayerLoad> loads() const;
  bool validate();
  bool is_checkpoint_due(bool at_epoch_end, int64_t epochs_done) const;
  void save();

  TrainerParts parts_;
  TrainState state_;
  TrainPlan plan_;
  std::vector<Phase> phases_;
  std::optional<size_t> phase_;  // of the latest step
  Freeze freeze_;
  Loader train_loader_;
  Loader valid_loader_;
  std::shared_ptr<Schedule> schedule_;
  std::shared_ptr<Grower> grower_;
  OptimizerOptions rates_;
  std::string best_score_;  // what the best checkpoint is best at
  bool has_accuracy_;       // whether examples have classes
  double lr_ = 0;           // of the latest step
  // Since the start or the last line of metrics; state_.window may hold steps of before.
  double window_seconds_ = 0;
  int64_t window_examples_ = 0;
  bool should_end_early_ = false;
};

}  // namespace heterodyne
