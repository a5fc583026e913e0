// RunSummary: a run in the size of a row: state, settings, and each metric's latest value, range and bounded curve.
// It can be made from a run's folder, and it can follow a run line by line; both give the same.
#pragma once

#include <map>
#include <string>

#include "heterodyne/eval/run_record.h"
#include "heterodyne/io/run_index.h"

namespace heterodyne {

class RunSummary {
 public:
  /// Metrics beyond these are passed over, so that no file takes all memory.
  static constexpr size_t kMaxMetrics = 2000;

  /// `folder` is the run's within the folder of runs; its id is made from it. Tags and stamp are empty.
  RunSummary(const RunRecord& record, const std::string& folder);

  /// One more line of metrics.jsonl. Its numbers become metrics named by its kind: "valid.accuracy"; the latest line of
  /// loads says which experts there are and what share of the assignments each got.
  void add(const Table& line);
  void set_state(const std::string& state, int64_t pid, int64_t heartbeat);

  /// All of it, as the index holds it.
  io::IndexedRun row() const;

 private:
  void add_loads(const Table& line);

  io::IndexedRun run_;  // but for metrics
  std::map<std::string, io::MetricSeries> series_;
  std::vector<std::string> expert_kinds_;  // by the id that experts have from the beginning
};

/// Eight hexadecimal digits of the SHA-256 of the folder's path within the folder of runs: the same for the same place.
std::string run_id(const std::string& folder);

/// Which values of a metric are better, by the last part of its name: a loss or perplexity is best when lowest, an
/// accuracy when highest. Of others it cannot be said.
enum class Better { kLower, kHigher, kUnknown };
Better better_of(const std::string& metric);

/// Every setting with its dotted path, lists by position ("model.moe.experts.0.kind"), and its value as text.
std::vector<std::pair<std::string, std::string>> flat_settings(const Table& config);

}  // namespace heterodyne
