// TensorboardLog: a hook that shows a run in TensorBoard: curves of its metrics, and how the experts share the work.
//
//   train/NAME   at each line of training metrics: the values of metrics.jsonl by their names there
//   valid/NAME   at each validation: the scores of the task, and of each MoE layer the balance numbers "entropy" and
//                "max_violation"
//   LAYER/load   a histogram at each validation: the assignments of each expert over the experts' ids
//
// The number of scalars does not grow with the number of experts: at most 12 + 8 for each MoE layer at one step. What
// is beyond stands in metrics.jsonl alone.
#pragma once

#include <optional>
#include <string>

#include "heterodyne/base/log.h"
#include "heterodyne/io/tensorboard.h"
#include "heterodyne/train/hook.h"

namespace heterodyne {

class TensorboardLog : public Hook {
 public:
  /// Writes into a new event file of the folder, made at the first value. After a resume TensorBoard drops what earlier
  /// files have of later steps. A disk that refuses is warned of once; the values are lost, the run goes on.
  TensorboardLog(std::string folder, Log log) : folder_(std::move(folder)), log_(std::move(log)) {}

  void on_start(const TrainPlan& plan) override { first_step_ = plan.first_step + 1; }
  void on_log(const LogReport& report) override;
  void on_validation(const ValidationReport& report) override;

 private:
  void write(int64_t step, const io::EventSummary& summary);

  std::string folder_;
  Log log_;
  int64_t first_step_ = 1;
  std::optional<io::EventFile> file_;
  bool has_warned_ = false;
};

}  // namespace heterodyne
