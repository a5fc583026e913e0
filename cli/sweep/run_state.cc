#include "cli/sweep/run_state.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/config_diff.h"
#include "heterodyne/base/config.h"
#include "heterodyne/eval/run_record.h"
#include "heterodyne/io/file.h"
#include "heterodyne/train/run_folder.h"

namespace heterodyne::cli {
namespace {

// Of what a run leaves behind, these say nothing about its outcome.
bool is_bookkeeping(const std::string& setting) {
  return setting == "train.log_every" || setting == "train.tensorboard" || setting == "train.checkpoint.keep" ||
         setting == "data.workers";
}

void refuse_other(const SweepRun& run, const std::string& path) {
  const std::string file = path + "/resolved.toml";
  const Table before = read_experiment(parse_toml(io::read_file(file), file)).resolved;
  for (const auto& [setting, was, is] : config_diff(before, run.experiment.resolved)) {
    if (is_bookkeeping(setting)) continue;
    const auto text = [](const Value& value) { return value.is_null() ? std::string("not set") : write_value(value); };
    throw ConfigError(
        fmt::format("sweep: {}: holds a run of other settings: {} was {}, is {} now. Another folder: --out "
                    "DIR",
                    path, setting, text(was), text(is)));
  }
}

RunState state_in(const std::string& path) {
  if (io::FolderLock::is_held(path)) return RunState::kBusy;
  const std::string word = read_run(path).state;
  if (word == "done") return RunState::kDone;
  return word == "failed" ? RunState::kFailed : RunState::kStopped;
}

}  // namespace

const char* state_word(RunState state) {
  switch (state) {
    case RunState::kNew:
      return "new";
    case RunState::kDone:
      return "done";
    case RunState::kStopped:
      return "interrupted";
    case RunState::kFailed:
      return "failed";
    case RunState::kBusy:
      return "busy";
  }
  return "";
}

RunProgress progress_of(const SweepRun& run, const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path + "/resolved.toml", ignored)) {
    if (std::filesystem::is_directory(path, ignored) && io::FolderLock::is_held(path)) return {RunState::kBusy, 0};
    RunFolder::check_new(path);
    return {};
  }
  refuse_other(run, path);
  return {state_in(path), CheckpointFolder(path + "/checkpoints").last().value_or(0)};
}

}  // namespace heterodyne::cli
