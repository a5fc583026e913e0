// Free disk where runs are kept, against what the last run took.
#include <fmt/format.h>

#include <filesystem>

#include "cli/check.h"
#include "heterodyne/io/file.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLittleSpace = 1'000'000'000;  // less free than this is worth a word before the first run

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    const auto size = entry->is_regular_file(ignored) ? entry->file_size(ignored) : 0;
    if (!ignored) bytes += size;
  }
  return bytes;
}

// The run whose configuration was written last, or nothing.
fs::path last_run(const fs::path& runs) {
  fs::path last;
  fs::file_time_type written;
  std::error_code error;
  for (fs::directory_iterator entry(runs, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code missing;
    const auto time = fs::last_write_time(entry->path() / "resolved.toml", missing);
    if (missing || (!last.empty() && time <= written)) continue;
    last = entry->path();
    written = time;
  }
  return last;
}

std::vector<CheckResult> check_disk(const cli::Environment& environment) {
  const uint64_t free = io::free_bytes(cli::existing_folder(environment.runs));
  const std::string text = fmt::format("disk: {} free under {}", cli::size_text(free), environment.runs);
  const fs::path last = last_run(environment.runs);
  if (last.empty()) {
    if (free >= kLittleSpace) return {{Health::kOk, text}};
    return {{Health::kWarn, text, "--out on another disk, or HETERODYNE_RUNS"}};
  }
  const uint64_t needed = bytes_in(last);
  const std::string compared = fmt::format("{}, the last run took {}", text, cli::size_text(needed));
  if (free >= needed) return {{Health::kOk, compared}};
  return {{Health::kFix, compared, "remove runs that are no longer needed, or --out on another disk"}};
}

}  // namespace

CheckKind check_kind_disk() { return {"free disk for runs", {}, check_disk}; }

}  // namespace heterodyne
