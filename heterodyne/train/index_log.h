// IndexLog: keeps a run's row in the index of its folder of runs while the run goes on.
//
// The index is a cache of what the run's folder says, so nothing here stops or fails a run: the first time the index
// does not work there is one warning, and the run goes on. One that is merely in use is tried again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "heterodyne/base/log.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/train/hook.h"
#include "heterodyne/train/run_folder.h"

namespace heterodyne {

class IndexLog : public Hook {
 public:
  /// Nothing is indexed unless the run's folder lies below `runs`. Between two writes pass at least `interval_s`, but
  /// for those of start() and finish(). Give it to the trainer after the hook that writes metrics.jsonl.
  IndexLog(const RunFolder& run, const std::string& runs, Log log, double interval_s = 1);

  void on_start(const TrainPlan& plan) override;
  void on_log(const LogReport& report) override;
  void on_validation(const ValidationReport& report) override;
  /// Once the run's last state is written: brings the row to what the folder says.
  void finish();

 private:
  void add(const Table& line);
  void write();
  /// Opened anew when need be.
  io::RunIndex& index();
  /// Whatever `work` throws ends here.
  void guarded(const std::function<void()>& work);

  std::string path_, runs_;
  std::string folder_;  // relative to runs_; empty when the run is not to be indexed
  Log log_;
  double interval_s_;
  double last_write_s_ = 0;
  std::optional<RunSummary> summary_;
  std::optional<io::RunIndex> index_;
  bool has_row_ = false;  // with settings and tags
  bool has_warned_ = false;
  bool is_damaged_ = false;
};

}  // namespace heterodyne
