// Run state: how far a run of a sweep has come, read from their folders and from nothing else.
#pragma once

#include <cstdint>
#include <string>

#include "cli/sweep/plan.h"

namespace heterodyne::cli {

enum class RunState {
  kNew,      // no folder yet, or one that a process left before it wrote its first file
  kDone,     // to its end
  kStopped,  // stopped or killed: goes on at its last checkpoint
  kFailed,   // ended with an error
  kBusy,     // a process works on it
};

struct RunProgress {
  RunState state = RunState::kNew;
  int64_t step = 0;  // of the last checkpoint
};

/// "new", "done", "interrupted", "failed", "busy"
const char* state_word(RunState state);

/// Of the run in the folder `path`. Throws ConfigError when the folder holds something else: a run of other settings,
/// or no run; FormatError when its settings cannot be read.
RunProgress progress_of(const SweepRun& run, const std::string& path);

}  // namespace heterodyne::cli
