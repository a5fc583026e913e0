// RunFolder: where a run keeps what it must not lose. One process at a time.
//
//   resolved.toml  environment.json  metrics.jsonl  state  log.txt  checkpoints/
//
// `state` begins with one word: running, done, failed or interrupted.
#pragma once

#include <optional>
#include <string>

#include "heterodyne/base/log.h"
#include "heterodyne/io/file.h"
#include "heterodyne/train/checkpoint.h"
#include "heterodyne/train/experiment.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne {

class RunFolder {
 public:
  /// Throws ConfigError, with the ways on, when the folder exists and holds anything but what a process leaves that was
  /// killed before it wrote its first file.
  static void check_new(const std::string& path);
  /// A new folder for this experiment, with resolved.toml and, of a text, vocabulary.txt (a symbol on each line, where
  /// that is possible). Throws ConfigError as check_new() does, DeviceError
  /// when it cannot be made.
  static RunFolder create(const std::string& path, const Experiment& experiment);
  /// An existing run's folder; what a killed process left half written is cleared away. Throws FormatError when it is
  /// none, DeviceError when another process uses it.
  static RunFolder open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;
  CheckpointFolder checkpoints() const { return CheckpointFolder(file("checkpoints")); }
  /// The resolved configuration it was started with.
  Table config() const;

  void write_state(const std::string& word) const;
  void write_file(const std::string& name, const std::string& text) const;

 private:
  RunFolder(std::string path, io::FolderLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  io::FolderLock lock_;
};

/// The newest checkpoint of a run's folder that is sound; damaged ones are passed over with a warning. Nothing when
/// none was saved. Throws FormatError when there are some and none is sound: beginning again would clear them away.
std::optional<CheckpointInfo> newest_checkpoint(const std::string& run, const Log& log);

/// Saves into a run's folder. A failed save warns and is forgotten: what was saved before stays.
class RunKeeper : public Keeper {
 public:
  RunKeeper(const RunFolder& folder, const Experiment& experiment, Log log);

  void save(Network& network, Optimizer& optimizer, const TrainState& state) override;
  std::optional<int64_t> last_step() const override { return folder_.checkpoints().last(); }

 private:
  const RunFolder& folder_;
  const Experiment& experiment_;
  Log log_;
};

/// The checkpoint folder that MODEL means: a checkpoint itself, or the best of a run's folder; the newest when the run
/// has no best one, with a warning when it should have. Throws FormatError when it is neither.
std::string find_checkpoint(const std::string& model, const Log& log);

}  // namespace heterodyne
