// UnusedExperts: a hook that warns of experts that get no tokens, and so learn nothing.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "heterodyne/base/log.h"
#include "heterodyne/train/hook.h"

namespace heterodyne {

class UnusedExperts : public Hook {
 public:
  /// Looks every `period` steps and at the end of the run. Each expert is warned of once.
  explicit UnusedExperts(Log log, int64_t period = 500) : log_(std::move(log)), period_(period) {}

  void on_start(const TrainPlan& plan) override { num_steps_ = plan.num_steps; }
  void on_step(const StepReport& report) override;

 private:
  void look();

  Log log_;
  int64_t period_;
  int64_t num_steps_ = 0;
  int64_t num_seen_ = 0;  // steps in `routing_`
  RoutingStats routing_;  // since the last look
  std::set<std::pair<std::string, size_t>> told_;
};

}  // namespace heterodyne
