// Phases: a run in which at first the head of a network learns alone, then everything. Each phase has a learning rate
// and a schedule of its own, and begins with an optimizer that remembers nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/train/options.h"

namespace heterodyne {

struct Phase {
  int64_t first_step = 0;
  int64_t num_steps = 0;
  double lr = 0;                    // before the schedule
  std::vector<std::string> freeze;  // patterns of names, see model/freeze.h
};

/// One phase, or two where train.head.epochs is above 0; `lr` is that of the last one. Its steps are at least one.
std::vector<Phase> phases_of(const TrainOptions& options, int64_t steps_per_epoch, double lr);

/// Which phase a step 0, 1, 2, ... belongs to; those beyond the end to the last one.
size_t phase_at(const std::vector<Phase>& phases, int64_t step);

/// Throws ConfigError when a pattern of names fits no parameter of the network: see check_freeze().
void check_phases(const TrainOptions& options, const torch::nn::Module& network);

}  // namespace heterodyne
