// Rehearsal: evidence that a run's numbers can be had again. From a checkpoint on, a run that is broken and resumed
// computes what an unbroken one does; a run that is repeated computes the same again; routing plans do not depend on
// the number of threads. The run itself is not touched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/data/dataset.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne {

/// How two lots of values differ, bit by bit.
struct Difference {
  int64_t num_values = 0;
  int64_t num_different = 0;
  std::string first;  // "model: layers.0.router.gate.weight[3, 1]: 0.25 and 0.5"; empty when there is none
};

using Values = std::vector<std::pair<std::string, torch::Tensor>>;

/// Compares tensors in order. A tensor whose name, shape or dtype differs counts as different as a whole.
Difference compare_values(const Values& one, const Values& other);

/// What is tried: some training steps from a checkpoint on, as often as needed.
struct Trial {
  const CheckpointInfo& checkpoint;
  const Dataset& dataset;
  int64_t num_steps = 20;  // at least 2
};

/// Trains from a checkpoint on, on copies that it makes, and compares where that leads. The run's last step does not
/// count: it goes on with the settings it has.
class Rehearsal {
 public:
  explicit Rehearsal(const Trial& trial);

  /// All steps at once against the same steps with a save and a load in the middle; `scratch` is a folder for that
  /// checkpoint. Values of the network and the optimizer, and the state of the run.
  Difference resume_difference(const std::string& scratch);
  /// All steps, twice.
  Difference repeat_difference();
  /// Which experts each token of one training batch is sent to, computed with one and with `num_threads` threads. Where
  /// LibTorch's own sums give a token other scores, its choice is not compared; num_values counts those that are.
  Difference plan_difference(int num_threads);

 private:
  struct Run;
  struct Outcome {
    Values values;  // of network and optimizer
    TrainState state;
  };
  Run start() const;
  void train(Run& run, int64_t num_steps) const;
  static Outcome outcome_of(const Run& run);
  Difference difference_to(const Run& run);
  const Outcome& unbroken();

  Trial trial_;
  Experiment experiment_;
  std::optional<Outcome> unbroken_;
};

}  // namespace heterodyne
