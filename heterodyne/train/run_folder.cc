#include "heterodyne/train/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

// Bytes a checkpoint of this network and optimizer takes, roughly.
uint64_t bytes_of(const Network& network, const Optimizer& optimizer) {
  uint64_t bytes = 1 << 16;
  for (const auto& parameter : network.parameters()) bytes += parameter.nbytes();
  for (const auto& entry : optimizer.state()) bytes += entry.second.nbytes();
  return bytes;
}

// Whether the name is one that a process gives to what it has not finished: "state.tmp-4711-0" (see io::FileWriter) or
// "step-00000040.tmp" (see save_checkpoint()). Nothing else may match: what matches is removed.
bool is_left_over(const std::string& name) {
  const size_t at = name.rfind(".tmp");
  if (at == std::string::npos) return false;
  const std::string rest = name.substr(at + 4);
  if (rest.empty()) return name.starts_with("step-");
  return rest.front() == '-' && rest.find_first_not_of("-0123456789") == std::string::npos;
}

bool is_unused(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return !fs::exists(folder, error);
  const auto names = io::list_folder(folder);
  return std::all_of(names.begin(), names.end(),
                     [](const std::string& name) { return name == ".lock" || is_left_over(name); });
}

void clear_left_overs(const std::string& folder) {
  std::error_code ignored;  // what cannot be removed is in nobody's way
  if (!fs::is_directory(folder, ignored)) return;
  for (const auto& name : io::list_folder(folder)) {
    if (is_left_over(name)) fs::remove_all(fs::path(folder) / name, ignored);
  }
}

}  // namespace

void RunFolder::check_new(const std::string& path) {
  if (!is_unused(path)) {
    const bool is_run = fs::exists(fs::path(path) / "resolved.toml");
    throw ConfigError(
        fmt::format("{}: expected a new folder, it exists. {}Another folder: --out DIR. Another name: --set "
                    "name=NAME",
                    path, is_run ? "Go on with it: heterodyne train --resume " + path + ". " : ""));
  }
}

RunFolder RunFolder::create(const std::string& path, const Experiment& experiment) {
  check_new(path);
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw DeviceError(path + ": cannot be made: " + error.message());
  RunFolder folder(path, io::FolderLock(path));
  clear_left_overs(path);
  folder.write_file("resolved.toml", write_toml(experiment.resolved, true));
  const std::string symbols = vocabulary_lines(experiment.vocabulary);
  if (!symbols.empty()) folder.write_file("vocabulary.txt", symbols);
  return folder;
}

RunFolder RunFolder::open(const std::string& path) {
  if (!fs::is_regular_file(fs::path(path) / "resolved.toml")) {
    throw FormatError::in_file(path,
                               fs::exists(path) ? "is not a run's folder: it has no resolved.toml" : "no such run");
  }
  RunFolder folder(path, io::FolderLock(path));
  clear_left_overs(path);
  clear_left_overs(folder.file("checkpoints"));
  return folder;
}

std::string RunFolder::file(const std::string& name) const { return (fs::path(path_) / name).string(); }

Table RunFolder::config() const {
  const std::string path = file("resolved.toml");
  return parse_toml(io::read_file(path), path);
}

void RunFolder::write_state(const std::string& word) const {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  write_file("state", fmt::format("{}\npid {}\nheartbeat {}\n", word, ::getpid(), now.count()));
}

void RunFolder::write_file(const std::string& name, const std::string& text) const { io::write_file(file(name), text); }

std::optional<CheckpointInfo> newest_checkpoint(const std::string& run, const Log& log) {
  const CheckpointFolder checkpoints((fs::path(run) / "checkpoints").string());
  const auto steps = checkpoints.steps();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    try {
      return read_checkpoint(checkpoints.folder_of(*step));
    } catch (const FormatError& error) {
      const bool is_oldest = std::next(step) == steps.rend();
      log.warning(is_oldest ? error.what() : fmt::format("{}; going back to an older checkpoint", error.what()));
    }
  }
  if (steps.empty()) return std::nullopt;
  throw FormatError::in_file(
      (fs::path(run) / "checkpoints").string(),
      fmt::format("none of the {} checkpoints can be used. To begin again: another --out DIR", steps.size()));
}

RunKeeper::RunKeeper(const RunFolder& folder, const Experiment& experiment, Log log)
    : folder_(folder), experiment_(experiment), log_(std::move(log)) {}

void RunKeeper::save(Network& network, Optimizer& optimizer, const TrainState& state) {
  const auto checkpoints = folder_.checkpoints();
  try {
    const uint64_t needed = bytes_of(network, optimizer), available = io::free_bytes(folder_.path());
    if (available < needed) {
      throw DeviceError(fmt::format("{}: a checkpoint needs {} bytes, {} are free", folder_.path(),
                                    with_commas(static_cast<int64_t>(needed)),
                                    with_commas(static_cast<int64_t>(available))));
    }
    save_checkpoint(checkpoints.folder_of(state.step), network, optimizer, state, experiment_);
    const auto best = state.best ? std::optional(state.best->step) : std::nullopt;
    checkpoints.settle(state.step, best, experiment_.options.train.checkpoint.keep);
    folder_.write_state("running");
  } catch (const DeviceError& error) {
    const auto last = checkpoints.last();
    log_.warning(fmt::format("step {}: no checkpoint: {}. The run goes on; {}", with_commas(state.step), error.what(),
                             last ? "the last one is of step " + with_commas(*last) : "there is none yet"));
  }
}

std::string find_checkpoint(const std::string& model, const Log& log) {
  if (fs::exists(fs::path(model) / "manifest.json")) return model;
  const CheckpointFolder checkpoints((fs::path(model) / "checkpoints").string());
  const auto best = checkpoints.best();
  if (best) return checkpoints.folder_of(*best);
  const auto steps = checkpoints.steps();
  if (!steps.empty()) {
    const std::string newest = checkpoints.folder_of(steps.back());
    if (fs::exists(fs::path(model) / "checkpoints/BEST"))
      log.warning(fmt::format("{}: the best checkpoint is missing; the newest stands in for it: {}", model, newest));
    return newest;
  }
  if (!fs::exists(model))
    throw FormatError::in_file(model, "no such run or checkpoint. All runs and their folders: heterodyne runs ls");
  throw FormatError::in_file(model, "is neither a run's folder with a checkpoint nor a checkpoint");
}

}  // namespace heterodyne
