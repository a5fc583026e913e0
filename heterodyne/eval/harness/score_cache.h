// ScoreCache: scores that were computed before, in a file of JSON lines that grows as they come, so that a measurement
// that was stopped goes on and one that is repeated costs nothing.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "heterodyne/eval/harness/windows.h"
#include "heterodyne/io/file.h"

namespace heterodyne {

class ScoreCache {
 public:
  /// Reads the file when it exists; a line that was cut off when a process died is left out. `model` says which
  /// weights, in which form: scores of other models are neither found nor lost. Throws DeviceError when the file cannot
  /// be written.
  ScoreCache(const std::string& path, std::string model);

  std::optional<WindowScore> find(const TextWindow& window) const;
  void add(const TextWindow& window, const WindowScore& score);

 private:
  std::string key_of(const TextWindow& window) const;

  std::string model_;
  std::map<std::string, WindowScore> scores_;
  std::optional<io::AppendFile> file_;
};

}  // namespace heterodyne
