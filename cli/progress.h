// Progress: how a training run looks in a terminal: a redrawn line on a terminal, plain lines elsewhere.
#pragma once

#include <deque>
#include <string>

#include "cli/task_words.h"
#include "cli/terminal.h"
#include "heterodyne/train/hook.h"

namespace heterodyne::cli {

class Progress : public Hook {
 public:
  explicit Progress(Terminal& terminal, TaskWords words = {}) : terminal_(terminal), words_(words) {}

  void on_start(const TrainPlan& plan) override;
  void on_step(const StepReport& report) override;
  void on_log(const LogReport& report) override;
  void on_validation(const ValidationReport& report) override;
  void on_growth(const GrowthReport& report) override;

 private:
  std::string line(const StepReport& report) const;
  /// Seconds left, by the pace of the latest steps.
  double seconds_left(int64_t step) const;

  Terminal& terminal_;
  TaskWords words_;
  TrainPlan plan_;
  double last_drawn_ = 0;
  std::string valid_;  // the main score of the latest validation
  struct Step {
    double loss, seconds;
    int64_t num_examples, num_correct;
  };
  std::deque<Step> recent_;
  RoutingStats routing_;  // since the last line that was drawn
};

/// "18m 05s", "42s", "1h 02m"
std::string duration_text(double seconds);

}  // namespace heterodyne::cli
