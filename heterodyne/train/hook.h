// Hook: whoever watches a training run: the file of metrics, the progress line, a program of the user's. A hook changes
// nothing about the run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/eval/evaluate.h"
#include "heterodyne/train/growth/event.h"
#include "heterodyne/train/state.h"
#include "heterodyne/train/step.h"

namespace heterodyne {

/// What will happen.
struct TrainPlan {
  int64_t num_steps = 0;
  int64_t steps_per_epoch = 0;
  int64_t first_step = 0;  // steps done before, when a run goes on
  double num_epochs = 0;
};

struct StepReport {
  int64_t step = 0;   // counted from 1
  int64_t epoch = 0;  // counted from 1
  double lr = 0;
  double seconds = 0;  // of this step, waiting for data included
  const StepResult& result;
};

/// How one layer used its experts.
struct LayerLoad {
  LayerCounts counts;
  std::vector<int64_t> id_E;
};

/// Averages since the last such report; the line in metrics.jsonl.
struct LogReport {
  int64_t step = 0;
  int64_t num_steps = 0;  // that it speaks of
  Table values;
  std::vector<LayerLoad> loads;
};

struct ValidationReport {
  int64_t step = 0;
  int64_t epoch = 0;
  const Evaluation& evaluation;
  const RoutingProfile& routing;
  bool is_best = false;
};

class Hook {
 public:
  virtual ~Hook() = default;
  virtual void on_start(const TrainPlan& plan) { static_cast<void>(plan); }
  virtual void on_step(const StepReport& report) { static_cast<void>(report); }
  virtual void on_log(const LogReport& report) { static_cast<void>(report); }
  virtual void on_validation(const ValidationReport& report) { static_cast<void>(report); }
  /// After experts came or went. What was done before it was told of by on_log().
  virtual void on_growth(const GrowthReport& report) { static_cast<void>(report); }
};

}  // namespace heterodyne
