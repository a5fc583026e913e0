// Run record: what a run's folder says, for those who look at runs and do not train them. Reads what is there: a run
// may be going on, have crashed, or hold nothing yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

/// Loads of one layer over time, from the "experts" lines of metrics.jsonl.
struct LoadHistory {
  std::string layer;
  std::vector<int64_t> id_E;      // every expert there ever was, in order of first appearance
  std::vector<int64_t> step_T;    // each entry counts the steps since the one before
  std::vector<int64_t> count_TE;  // assignments, row-major; 0 while an expert does not exist
};

struct RunRecord {
  std::string path;
  std::string name;   // of the experiment; the folder's when there is no configuration
  std::string state;  // "running", "done", "failed", "interrupted", or "unknown"
  int64_t pid = 0;
  int64_t heartbeat = 0;  // seconds since 1970; 0 when unknown
  Table config;           // resolved.toml; empty when missing
  std::string config_text;
  Table environment;           // environment.json; empty when missing
  std::vector<Table> metrics;  // lines of metrics.jsonl in their order
  std::vector<Table> events;   // lines of experts.jsonl
  std::optional<RoutingProfile> routing;
  std::vector<std::string> problems;  // what could not be read, one line each

  /// Lines of one kind: "train", "valid", "test", "experts".
  std::vector<const Table*> lines(const std::string& kind) const;
};

/// Throws FormatError when there is no such folder or it is not a run's: it has no resolved.toml. Any other damage ends
/// up in `problems`.
RunRecord read_run(const std::string& path);

/// Of every layer that has "experts" lines.
std::vector<LoadHistory> load_history(const RunRecord& run);

}  // namespace heterodyne
