#include "heterodyne/train/file_check.h"

#include <fmt/format.h>

#include <filesystem>
#include <functional>

#include "heterodyne/base/config.h"
#include "heterodyne/eval/run_record.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/io/tensorboard.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFilesOfCheckpoint = 4;

class Checker {
 public:
  /// Runs one check, which throws what is wrong with these many files.
  void check(int64_t num_files, const std::function<void()>& work) {
    found_.num_files += num_files;
    try {
      work();
    } catch (const Error& error) {
      found_.problems.emplace_back(error.what());
    }
  }
  const FileCheck& found() const { return found_; }

 private:
  FileCheck found_;
};

void check_metrics(const std::string& path) {
  const std::string text = io::read_file(path);
  int64_t step = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) throw FormatError::in_file(path, begin, "the last line is cut short");
    const Value line = io::parse_json(std::string_view(text).substr(begin, end - begin), io::JsonSource{path, begin});
    if (!line.if_table()) throw FormatError::in_file(path, begin, "expected a table");
    const int64_t at = io::integer_at(*line.if_table(), "step", path);
    if (at < step) throw FormatError::in_file(path, begin, fmt::format("step {} comes after step {}", at, step));
    step = at;
    begin = end + 1;
  }
}

void check_checkpoint(const std::string& folder) {
  read_checkpoint(folder);
  for (const char* name : {"/model.safetensors", "/optimizer.safetensors"}) io::SafetensorsFile(folder + name);
}

// LAST or BEST, which names a checkpoint that must be there.
void check_name(const std::string& path, std::optional<int64_t> step) {
  if (!step) throw FormatError::in_file(path, "names no checkpoint that is there");
}

// Files that are read leniently elsewhere, where a damaged one costs a panel of the report and no more.
void check_records(const RunRecord& run, const std::string& folder, Checker& checker) {
  for (const std::string name : {"state", "experts.jsonl", "routing.safetensors"}) {
    const std::string path = (fs::path(folder) / name).string();
    if (!fs::exists(path)) continue;
    checker.check(1, [&] {
      for (const auto& problem : run.problems) {
        if (problem.find(path) != problem.npos) throw FormatError(problem);
      }
    });
  }
}

void check_run(const std::string& folder, Checker& checker) {
  const std::string config = folder + "/resolved.toml", environment = folder + "/environment.json";
  checker.check(1, [&] { read_experiment(parse_toml(io::read_file(config), config)); });
  if (fs::exists(environment)) checker.check(1, [&] { io::parse_json_table(io::read_file(environment), environment); });
  const std::string metrics = folder + "/metrics.jsonl";
  if (fs::exists(metrics)) checker.check(1, [&] { check_metrics(metrics); });
  for (const auto& name : io::list_folder(folder)) {
    if (name.starts_with("events.out.tfevents.")) checker.check(1, [&] { io::check_event_file(folder + "/" + name); });
  }
  const RunRecord run = read_run(folder);
  check_records(run, folder, checker);
  const std::string inner = folder + "/checkpoints";
  const CheckpointFolder checkpoints(inner);
  if (fs::exists(inner + "/LAST")) checker.check(1, [&] { check_name(inner + "/LAST", checkpoints.last()); });
  if (fs::exists(inner + "/BEST")) checker.check(1, [&] { check_name(inner + "/BEST", checkpoints.best()); });
  if (checkpoints.steps().empty() && run.state == "done")
    checker.check(0,
                  [&] { throw FormatError::in_file(inner, "expected checkpoints of a run that is done, found none"); });
  for (const int64_t step : checkpoints.steps())
    checker.check(kFilesOfCheckpoint, [&] { check_checkpoint(checkpoints.folder_of(step)); });
}

}  // namespace

FileCheck check_files(const std::string& path) {
  Checker checker;
  if (fs::exists(path + "/resolved.toml")) {
    check_run(path, checker);
  } else if (fs::exists(path + "/manifest.json")) {
    checker.check(kFilesOfCheckpoint, [&] { check_checkpoint(path); });
  } else if (fs::is_regular_file(path)) {
    checker.check(1, [&] { io::SafetensorsFile file(path); });
  } else {
    const bool exists = fs::exists(path);
    throw FormatError::in_file(
        path, exists ? "is no run's folder, no checkpoint and no safetensors file" : "no such file or folder");
  }
  return checker.found();
}

}  // namespace heterodyne
