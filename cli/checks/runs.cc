// The folder in which runs are kept: whether one can be made there.
#include <unistd.h>

#include <filesystem>

#include "cli/check.h"

namespace heterodyne {
namespace {

std::vector<CheckResult> check_runs(const cli::Environment& environment) {
  const std::string& runs = environment.runs;
  const std::string fix = "HETERODYNE_RUNS=DIR with a folder of your own";
  std::error_code ignored;
  const bool exists = std::filesystem::exists(runs, ignored);
  if (exists && !std::filesystem::is_directory(runs, ignored))
    return {{Health::kFix, "runs: " + runs + " is not a folder", fix}};
  const std::string folder = cli::existing_folder(runs);
  if (!std::filesystem::is_directory(folder, ignored) || ::access(folder.c_str(), W_OK | X_OK) != 0)
    return {{Health::kFix, "runs: " + folder + " cannot be written to", fix}};
  return {{Health::kOk, "runs: " + runs + (exists ? " can be written to" : " can be made")}};
}

}  // namespace

CheckKind check_kind_runs() { return {"the folder of runs", {}, check_runs}; }

}  // namespace heterodyne
