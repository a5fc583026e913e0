// Log: how the library tells a person something while it works. It prints nothing itself; whoever calls it decides
// where the lines go. A Log without a sink is silent.
#pragma once

#include <functional>
#include <string>

namespace heterodyne {

enum class LogLevel { kNote, kWarning };

struct Log {
  std::function<void(LogLevel, const std::string& line)> sink;

  void note(const std::string& line) const {
    if (sink) sink(LogLevel::kNote, line);
  }
  void warning(const std::string& line) const {
    if (sink) sink(LogLevel::kWarning, line);
  }
};

}  // namespace heterodyne
