// Runner: does the runs of a sweep that are not done yet, as processes of their own, one after another or some at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/sweep/run_state.h"
#include "cli/terminal.h"

namespace heterodyne::cli {

struct SweepJob {
  std::vector<SweepRun> runs;
  std::string folder;                    // with a folder for each run
  std::vector<std::string> child_flags;  // of every `train`
  int64_t jobs = 1;                      // processes at once
  bool rerun_failed = false;
};

/// Which runs are to be done: those that are new or were interrupted, and those that failed when they are to be run
/// again.
bool is_to_do(RunState state, bool rerun_failed);

/// The words after the program's name that do the run: it starts, or goes on from its last checkpoint.
std::vector<std::string> train_words(const SweepRun& run, const std::string& path, RunState state,
                                     const std::vector<std::string>& flags);

struct SweepEnd {
  std::vector<std::string> failed;  // folders of runs that ended with an error, earlier ones that stay so included
  bool is_interrupted = false;      // asked to end, the runs that were going on saved
};

/// Does what is to be done, and says a line for each run that ends. A run on which another process works is waited for.
/// What a run said stays in FOLDER/.logs/RUN.txt when it fails. Throws DeviceError when no process can be started.
SweepEnd run_sweep(const SweepJob& job, Terminal& terminal);

}  // namespace heterodyne::cli
