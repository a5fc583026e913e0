// Runs: what RUN on a command line means, and how runs are listed.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/output.h"
#include "heterodyne/io/run_index.h"

namespace heterodyne::cli {

/// One run, found.
struct FoundRun {
  std::string path;
  std::string folder;  // relative to the folder of runs; empty when it lies elsewhere
};

/// `word` is the path of a run's folder, from here or from the folder of runs, or the id (four digits at least) or name
/// of a run there. Throws FormatError naming the nearest when there is none, ConfigError naming all when several match.
FoundRun find_run(const std::string& word, const Invocation& invocation);

/// A row for each run. For people the age is in words and rows of runs that lie deeper show their folder.
Rows run_rows(const std::vector<io::IndexedRun>& runs, const std::string& format);

/// "12s", "5m", "3h", "2d": since `then`, in seconds since 1970; "-" when that is not known.
std::string age_text(int64_t then);

}  // namespace heterodyne::cli
