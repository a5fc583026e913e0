// The index of runs, when there is one: it opens and is not damaged. Without it runs are read from their folders.
#include <fmt/format.h>

#include <filesystem>

#include "cli/check.h"
#include "heterodyne/io/run_index.h"

namespace heterodyne {
namespace {

constexpr int kWaitMs = 200;

std::vector<CheckResult> check_index(const cli::Environment& environment) {
  const std::string path = environment.runs + "/index.sqlite";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {{Health::kNote, "run index: none yet"}};
  try {
    io::RunIndex index(path, io::Sqlite::Mode::kRead, kWaitMs);
    index.check();
    return {{Health::kOk, fmt::format("run index: {} runs", index.list().size())}};
  } catch (const FormatError& error) {
    return {{Health::kFix, std::string("run index: ") + error.what(), "remove " + path + "; it is made again"}};
  }
}

}  // namespace

CheckKind check_kind_index() { return {"the index of runs", {}, check_index}; }

}  // namespace heterodyne
