// RunIndex: the database index.sqlite of a folder of runs. It says what the runs' folders say, only sooner to read.
//
// A cache and nothing more: whoever reads it compares `stamp` with the folder (eval/run_list.h), and without it all is
// read from the folders. Tables, each row of the last four belonging to a row of `run`:
//
//   run     folder, id, name, state, pid, heartbeat, step, stamp
//   param   the settings, "model.moe.router.k" and its value as text
//   metric  "valid.accuracy": last, best, lowest and highest value with their steps, and points (metric_series.h)
//   expert  layer, id, kind, and share of the assignments since the line of metrics before the latest
//   tag     words that people gave it
//
// Text is stored as it is given, whatever its bytes. Errors: as sqlite.h has them; FormatError also for a database of
// another schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/io/metric_series.h"
#include "heterodyne/io/sqlite.h"

namespace heterodyne::io {

struct IndexedMetric {
  std::string name;
  std::optional<MetricPoint> last, best, lowest, highest;  // a value that is not finite reads back as NaN
  std::vector<MetricPoint> points;
};

struct IndexedExpert {
  std::string layer;
  int64_t id = 0;
  std::string kind;             // empty when it was not recorded
  std::optional<double> share;  // 0 .. 1
  bool operator==(const IndexedExpert&) const = default;
};

struct IndexedRun {
  std::string folder;  // relative to the folder of runs
  std::string id;
  std::string name;
  std::string state;
  int64_t pid = 0;
  int64_t heartbeat = 0;  // seconds since 1970
  int64_t step = 0;
  std::string best_metric;  // the name of the metric that the best checkpoint is best at
  std::string stamp;        // changes when a file of the folder does
  std::vector<std::pair<std::string, std::string>> params;
  std::vector<IndexedMetric> metrics;
  std::vector<IndexedExpert> experts;
  std::vector<std::string> tags;
};

class RunIndex {
 public:
  static constexpr int64_t kSchema = 1;

  /// Opens it; for writing it is made when there is none. Its journal is a write-ahead log, so that readers and the
  /// writer do not wait for each other; on a disk of the network, where that does not work, a rollback journal.
  RunIndex(const std::string& path, Sqlite::Mode mode, int wait_ms);

  /// Replaces all that is known of the run with this folder.
  void put(const IndexedRun& run);
  /// The same but for its settings, which stay.
  void put_progress(const IndexedRun& run);
  void remove(const std::string& folder);
  /// Replaces everything in `other`, in one transaction there.
  void copy_to(RunIndex& other) { database_.copy_to(other.database_); }

  /// All runs by folder, with the metric that each is best at as their only one, without points; with their tags.
  std::vector<IndexedRun> list();
  /// All of one run.
  std::optional<IndexedRun> find(const std::string& folder);

  /// Throws FormatError when a page of the file is damaged. Reads all of it.
  void check();
  /// How long calls wait for other connections from here on.
  void set_wait(int wait_ms) { database_.set_wait(wait_ms); }

 private:
  int64_t put_row(const IndexedRun& run);
  int64_t put_all_but_params(const IndexedRun& run);
  void put_metrics(int64_t run, const std::vector<IndexedMetric>& metrics);
  void put_experts(int64_t run, const std::vector<IndexedExpert>& experts);
  void put_tags(int64_t run, const std::vector<std::string>& tags);
  void check_schema();
  void read_details(int64_t number, IndexedRun& run);

  Sqlite database_;
};

}  // namespace heterodyne::io
