#include "heterodyne/io/run_index.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

constexpr const char* kTables = R"(
  CREATE TABLE run(number INTEGER PRIMARY KEY, folder TEXT NOT NULL UNIQUE, id TEXT NOT NULL, name TEXT NOT NULL,
                   state TEXT NOT NULL, pid INTEGER NOT NULL, heartbeat INTEGER NOT NULL, step INTEGER NOT NULL,
                   best_metric TEXT NOT NULL, stamp TEXT NOT NULL);
  CREATE TABLE param(run INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
                     PRIMARY KEY(run, key)) WITHOUT ROWID;
  CREATE TABLE metric(run INTEGER NOT NULL, name TEXT NOT NULL, last_step INTEGER, last REAL, best_step INTEGER,
                      best REAL, lowest_step INTEGER, lowest REAL, highest_step INTEGER, highest REAL,
                      points BLOB NOT NULL, PRIMARY KEY(run, name));
  CREATE TABLE expert(run INTEGER NOT NULL, layer TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, share REAL,
                      PRIMARY KEY(run, layer, id)) WITHOUT ROWID;
  CREATE TABLE tag(run INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY(run, tag)) WITHOUT ROWID;
  PRAGMA user_version = 1;
)";

// Kinds of disks, from statfs(2), on which processes of several machines share no memory: NFS, SMB 1 to 3, 9P, AFS,
// Ceph, FUSE, GPFS, Lustre, BeeGFS.
bool is_on_network(const std::string& path) {
  constexpr std::array<uint32_t, 11> kinds{0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x01021997, 0x5346414F,
                                           0x00C36400, 0x65735546, 0x47504653, 0x0BD00BD0, 0x19830326};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct statfs status{};
  if (::statfs(folder.empty() ? "." : folder.c_str(), &status) != 0) return false;
  return std::find(kinds.begin(), kinds.end(), static_cast<uint32_t>(status.f_type)) != kinds.end();
}

void bind_point(SqliteStatement& statement, const std::optional<MetricPoint>& point) {
  if (point) statement.bind(point->step).bind(point->value);
  else statement.bind_null().bind_null();
}

std::optional<MetricPoint> point_at(const SqliteStatement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  const double value = row.is_null(column + 1) ? std::numeric_limits<double>::quiet_NaN() : row.real(column + 1);
  return MetricPoint{row.integer(column), value};
}

// In the order of the columns of `run`.
IndexedRun run_at(const SqliteStatement& row) {
  IndexedRun run;
  run.folder = row.text(1);
  run.id = row.text(2);
  run.name = row.text(3);
  run.state = row.text(4);
  run.pid = row.integer(5);
  run.heartbeat = row.integer(6);
  run.step = row.integer(7);
  run.best_metric = row.text(8);
  run.stamp = row.text(9);
  return run;
}

// From column 0 on: the run's number, the name, four points.
IndexedMetric metric_at(const SqliteStatement& row) {
  return {row.text(1), point_at(row, 2), point_at(row, 4), point_at(row, 6), point_at(row, 8), {}};
}

}  // namespace

RunIndex::RunIndex(const std::string& path, Sqlite::Mode mode, int wait_ms) : database_(path, mode, wait_ms) {
  if (mode == Sqlite::Mode::kWrite) {
    if (is_on_network(path) || !database_.use_write_ahead_log()) database_.execute("PRAGMA journal_mode = DELETE");
    database_.execute("PRAGMA synchronous = NORMAL");
    SqliteTransaction transaction(database_);
    auto objects = database_.prepare("SELECT count(*) FROM sqlite_schema");
    objects.step();
    const bool is_fresh = objects.integer(0) == 0;
    objects.reset();
    if (is_fresh) database_.execute(kTables);
    transaction.commit();
  }
  check_schema();
}

void RunIndex::check_schema() {
  auto version = database_.prepare("PRAGMA user_version");
  version.step();
  const int64_t found = version.integer(0);
  if (found != kSchema) {
    throw FormatError::in_file(
        database_.path(), "expected an index of schema " + std::to_string(kSchema) + ", got " + std::to_string(found));
  }
}

void RunIndex::check() {
  auto check = database_.prepare("PRAGMA integrity_check(1)");
  check.step();
  if (check.text(0) != "ok") throw FormatError::in_file(database_.path(), "is damaged: " + check.text(0));
}

int64_t RunIndex::put_row(const IndexedRun& run) {
  auto statement = database_.prepare(
      "INSERT INTO run(folder, id, name, state, pid, heartbeat, step, best_metric, stamp) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(folder) DO UPDATE SET id = excluded.id, name = excluded.name, "
      "state = excluded.state, pid = excluded.pid, heartbeat = excluded.heartbeat, step = excluded.step, "
      "best_metric = excluded.best_metric, stamp = excluded.stamp RETURNING number");
  statement.bind(run.folder).bind(run.id).bind(run.name).bind(run.state).bind(run.pid).bind(run.heartbeat);
  statement.bind(run.step).bind(run.best_metric).bind(run.stamp);
  statement.step();
  const int64_t number = statement.integer(0);
  statement.step();  // to its end, so that it takes effect
  return number;
}

void RunIndex::put_metrics(int64_t run, const std::vector<IndexedMetric>& metrics) {
  database_.prepare("DELETE FROM metric WHERE run = ?").bind(run).run();
  auto statement = database_.prepare("INSERT OR REPLACE INTO metric VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const auto& metric : metrics) {
    statement.bind(run).bind(metric.name);
    for (const auto* point : {&metric.last, &metric.best, &metric.lowest, &metric.highest})
      bind_point(statement, *point);
    statement.bind_bytes(pack_points(metric.points)).run();
  }
}

void RunIndex::put_experts(int64_t run, const std::vector<IndexedExpert>& experts) {
  database_.prepare("DELETE FROM expert WHERE run = ?").bind(run).run();
  auto statement = database_.prepare("INSERT OR REPLACE INTO expert VALUES(?, ?, ?, ?, ?)");
  for (const auto& [layer, id, kind, share] : experts) {
    statement.bind(run).bind(layer).bind(id).bind(kind);
    if (share) statement.bind(*share);
    else statement.bind_null();
    statement.run();
  }
}

void RunIndex::put_tags(int64_t run, const std::vector<std::string>& tags) {
  database_.prepare("DELETE FROM tag WHERE run = ?").bind(run).run();
  auto statement = database_.prepare("INSERT OR REPLACE INTO tag VALUES(?, ?)");
  for (const auto& tag : tags) statement.bind(run).bind(tag).run();
}

int64_t RunIndex::put_all_but_params(const IndexedRun& run) {
  const int64_t number = put_row(run);
  put_metrics(number, run.metrics);
  put_experts(number, run.experts);
  put_tags(number, run.tags);
  return number;
}

void RunIndex::put(const IndexedRun& run) {
  SqliteTransaction transaction(database_);
  const int64_t number = put_all_but_params(run);
  database_.prepare("DELETE FROM param WHERE run = ?").bind(number).run();
  auto param = database_.prepare("INSERT OR REPLACE INTO param VALUES(?, ?, ?)");
  for (const auto& [key, value] : run.params) param.bind(number).bind(key).bind(value).run();
  transaction.commit();
}

void RunIndex::put_progress(const IndexedRun& run) {
  SqliteTransaction transaction(database_);
  put_all_but_params(run);
  transaction.commit();
}

void RunIndex::remove(const std::string& folder) {
  SqliteTransaction transaction(database_);
  for (const char* clear :
       {"DELETE FROM param WHERE run = (SELECT number FROM run WHERE folder = ?)",
        "DELETE FROM metric WHERE run = (SELECT number FROM run WHERE folder = ?)",
        "DELETE FROM expert WHERE run = (SELECT number FROM run WHERE folder = ?)",
        "DELETE FROM tag WHERE run = (SELECT number FROM run WHERE folder = ?)", "DELETE FROM run WHERE folder = ?"})
    database_.prepare(clear).bind(folder).run();
  transaction.commit();
}

std::vector<IndexedRun> RunIndex::list() {
  std::vector<IndexedRun> runs;
  std::map<int64_t, size_t> index_of;
  auto rows = database_.prepare("SELECT * FROM run ORDER BY folder");
  while (rows.step()) {
    index_of[rows.integer(0)] = runs.size();
    runs.push_back(run_at(rows));
  }
  const auto run_of = [&](const SqliteStatement& row) -> IndexedRun* {
    const auto found = index_of.find(row.integer(0));
    return found == index_of.end() ? nullptr : &runs[found->second];
  };
  auto metrics = database_.prepare(
      "SELECT m.run, m.name, last_step, last, best_step, best, lowest_step, lowest, highest_step, highest FROM run r "
      "JOIN metric m ON m.run = r.number AND m.name = r.best_metric");
  while (metrics.step()) {
    if (auto* run = run_of(metrics)) run->metrics.push_back(metric_at(metrics));
  }
  auto tags = database_.prepare("SELECT run, tag FROM tag ORDER BY run, tag");
  while (tags.step()) {
    if (auto* run = run_of(tags)) run->tags.push_back(tags.text(1));
  }
  return runs;
}

std::optional<IndexedRun> RunIndex::find(const std::string& folder) {
  auto row = database_.prepare("SELECT * FROM run WHERE folder = ?");
  if (!row.bind(folder).step()) return std::nullopt;
  IndexedRun run = run_at(row);
  read_details(row.integer(0), run);
  return run;
}

void RunIndex::read_details(int64_t number, IndexedRun& run) {
  auto params = database_.prepare("SELECT key, value FROM param WHERE run = ? ORDER BY key");
  params.bind(number);
  while (params.step()) run.params.emplace_back(params.text(0), params.text(1));
  auto metrics = database_.prepare(
      "SELECT run, name, last_step, last, best_step, best, lowest_step, lowest, highest_step, highest, points "
      "FROM metric WHERE run = ? ORDER BY name");
  metrics.bind(number);
  while (metrics.step()) {
    run.metrics.push_back(metric_at(metrics));
    run.metrics.back().points = unpack_points(metrics.text(10), database_.path());
  }
  auto experts = database_.prepare("SELECT layer, id, kind, share FROM expert WHERE run = ? ORDER BY layer, id");
  experts.bind(number);
  while (experts.step()) {
    const auto share = experts.is_null(3) ? std::nullopt : std::optional(experts.real(3));
    run.experts.push_back({experts.text(0), experts.integer(1), experts.text(2), share});
  }
  auto tags = database_.prepare("SELECT tag FROM tag WHERE run = ? ORDER BY tag");
  tags.bind(number);
  while (tags.step()) run.tags.push_back(tags.text(0));
}

}  // namespace heterodyne::io
