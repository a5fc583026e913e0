#include "heterodyne/train/index_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/eval/run_list.h"
#include "heterodyne/train/metrics_log.h"

namespace heterodyne {
namespace {

constexpr int kWaitMs = 100;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

IndexLog::IndexLog(const RunFolder& run, const std::string& runs, Log log, double interval_s)
    : path_(run.path()),
      runs_(runs),
      folder_(folder_within(runs, run.path())),
      log_(std::move(log)),
      interval_s_(interval_s) {}

void IndexLog::on_start(const TrainPlan&) {
  guarded([&] {
    summary_.emplace(read_run(path_), folder_);  // what was there before, when the run goes on
    write();
  });
}

void IndexLog::on_log(const LogReport& report) {
  guarded([&] {
    if (summary_ && !report.loads.empty()) summary_->add(loads_line(report));
  });
  add(report.values);
}

void IndexLog::on_validation(const ValidationReport& report) {
  add(evaluation_line("valid", report.step, report.evaluation));
}

void IndexLog::add(const Table& line) {
  guarded([&] {
    if (!summary_) return;
    summary_->add(line);
    if (steady_seconds() - last_write_s_ >= interval_s_) write();
  });
}

void IndexLog::write() {
  last_write_s_ = steady_seconds();
  summary_->set_state("running", ::getpid(), seconds_since_1970());
  auto row = summary_->row();
  row.stamp = run_stamp(path_);
  row.tags = read_tags(path_);
  if (has_row_) return index().put_progress(row);
  index().put(row);
  has_row_ = true;
}

void IndexLog::finish() {
  index_.reset();  // the file may be another one by now
  is_damaged_ = false;
  guarded([&] { index().put(read_indexed(runs_, folder_)); });
  index_.reset();
}

io::RunIndex& IndexLog::index() {
  // Whoever was waited for once in vain is not waited for again.
  const int wait_ms = has_warned_ ? 0 : kWaitMs;
  if (!index_) index_.emplace(index_path(runs_), io::Sqlite::Mode::kWrite, wait_ms);
  index_->set_wait(wait_ms);
  return *index_;
}

void IndexLog::guarded(const std::function<void()>& work) {
  if (folder_.empty() || is_damaged_) return;
  try {
    work();
  } catch (const std::exception& error) {
    is_damaged_ = dynamic_cast<const FormatError*>(&error) != nullptr;
    index_.reset();
    if (!has_warned_) {
      log_.warning(
          fmt::format("run index {}. The run goes on without it; afterwards: heterodyne runs reindex", error.what()));
    }
    has_warned_ = true;
  }
}

}  // namespace heterodyne
