#include "heterodyne/eval/run_list.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/io/file.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 4;  // of runs below the folder of runs
constexpr size_t kMaxTagBytes = 64;
constexpr int kReadWaitMs = 200, kReindexWaitMs = 5000;

bool is_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::symlink_status(folder / "resolved.toml", ignored).type() == fs::file_type::regular;
}

void find_below(const fs::path& folder, const std::string& prefix, int depth, std::vector<std::string>& found) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.') || entry->symlink_status(ignored).type() != fs::file_type::directory) continue;
    if (is_run(entry->path())) found.push_back(prefix + name);
    else if (depth > 1) find_below(entry->path(), prefix + name + "/", depth - 1, found);
  }
}

bool is_tag(const std::string& word) {
  return !word.empty() && word.size() <= kMaxTagBytes && word.front() != '-' && word.find(' ') == std::string::npos &&
         is_printable(word);
}

// Nothing, with a warning, when the folder cannot be read.
std::optional<io::IndexedRun> read_indexed_or_warn(const std::string& runs, const std::string& folder, const Log& log) {
  try {
    return read_indexed(runs, folder);
  } catch (const Error& error) {
    log.warning(fmt::format("{}; left out of the list", error.what()));
    return std::nullopt;
  }
}

// What the index says, by folder. An index that cannot be read says nothing, with a warning.
std::map<std::string, io::IndexedRun> read_index(const std::string& runs, const Log& log) {
  std::map<std::string, io::IndexedRun> known;
  const std::string path = index_path(runs);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return known;
  try {
    for (auto& run : io::RunIndex(path, io::Sqlite::Mode::kRead, kReadWaitMs).list()) {
      const std::string folder = run.folder;
      known.emplace(folder, std::move(run));
    }
  } catch (const Error& error) {
    log.warning(fmt::format("run index {}; the list comes from the runs' folders. To mend it: heterodyne runs reindex",
                            error.what()));
    known.clear();
  }
  return known;
}

std::vector<io::IndexedMetric> best_only(const io::IndexedRun& run) {
  std::vector<io::IndexedMetric> metrics = run.metrics;
  std::erase_if(metrics, [&](const auto& metric) { return metric.name != run.best_metric; });
  for (auto& metric : metrics) metric.points.clear();
  return metrics;
}

// Brings the index up to date, run by run. A cache that cannot be written is no one's trouble.
class IndexUpdate {
 public:
  explicit IndexUpdate(std::string path) : path_(std::move(path)) {}

  void put(const io::IndexedRun& run) {
    guarded([&] { index().put(run); });
  }
  void remove(const std::string& folder) {
    guarded([&] { index().remove(folder); });
  }

 private:
  io::RunIndex& index() {
    if (!index_) index_.emplace(path_, io::Sqlite::Mode::kWrite, kReadWaitMs);
    return *index_;
  }
  template <class Work>
  void guarded(const Work& work) {
    if (has_failed_) return;
    try {
      work();
    } catch (const Error&) {
      has_failed_ = true;
    }
  }

  std::string path_;
  std::optional<io::RunIndex> index_;
  bool has_failed_ = false;
};

// What a process left behind that was killed while it made an index, and the journals of a file that is none any more.
void remove_beside(const std::string& path, const std::vector<std::string>& endings) {
  const fs::path folder = fs::path(path).parent_path();
  const std::string stem = fs::path(path).filename().string();
  std::error_code ignored;
  for (const auto& name : io::list_folder(folder.string())) {
    for (const auto& ending : endings) {
      if (name.starts_with(stem + ending)) fs::remove(folder / name, ignored);
    }
  }
}

// Puts the index at `built` in the place of the one at `path`.
void put_in_place(const std::string& built, const std::string& path) {
  try {
    io::RunIndex from(built, io::Sqlite::Mode::kWrite, 0), to(path, io::Sqlite::Mode::kWrite, kReindexWaitMs);
    to.check();
    return from.copy_to(to);
  } catch (const io::BusyError&) {
    throw;
  } catch (const Error&) {  // not one to write into
  }
  remove_beside(path, {"-wal", "-shm", "-journal"});
  std::error_code error;
  fs::rename(built, path, error);
  if (error) throw DeviceError(fmt::format("{}: cannot be replaced: {}", path, error.message()));
}

}  // namespace

std::string index_path(const std::string& runs) { return (fs::path(runs) / "index.sqlite").string(); }

std::vector<std::string> find_runs(const std::string& runs) {
  std::vector<std::string> found;
  find_below(runs, "", kMaxDepth, found);
  std::sort(found.begin(), found.end());
  return found;
}

std::string folder_within(const std::string& runs, const std::string& path) {
  std::error_code error;
  const fs::path root = fs::canonical(runs, error);
  if (error) return "";
  const fs::path whole = fs::canonical(path, error);
  if (error) return "";
  std::string folder;
  int depth = 0;
  fs::path above = root;
  for (const auto& part : whole.lexically_relative(root)) {
    if (part.string().starts_with('.') || is_run(above) || ++depth > kMaxDepth) return "";
    above /= part;
    folder += (folder.empty() ? "" : "/") + part.string();
  }
  return is_run(whole) ? folder : "";
}

std::string run_stamp(const std::string& path) {
  std::string stamp;
  for (const char* name : {"resolved.toml", "state", "metrics.jsonl", "tags"}) {
    struct stat status{};
    if (::stat((fs::path(path) / name).c_str(), &status) == 0)
      stamp += fmt::format("{}:{}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    stamp += ' ';
  }
  return stamp;
}

io::IndexedRun read_indexed(const std::string& runs, const std::string& folder) {
  const std::string path = (fs::path(runs) / folder).string();
  const std::string stamp = run_stamp(path);  // first: what is written meanwhile makes it old
  io::IndexedRun run = RunSummary(read_run(path), folder).row();
  run.stamp = stamp;
  run.tags = read_tags(path);
  return run;
}

std::vector<io::IndexedRun> list_runs(const std::string& runs, const Log& log) {
  auto known = read_index(runs, log);
  IndexUpdate update(index_path(runs));
  std::vector<io::IndexedRun> all;
  for (const auto& folder : find_runs(runs)) {
    const std::string path = (fs::path(runs) / folder).string();
    const bool is_held = io::FolderLock::is_held(path);
    auto row = known.extract(folder);
    std::optional<io::IndexedRun> run;
    if (row && row.mapped().stamp == run_stamp(path)) {
      run = std::move(row.mapped());
    } else {
      run = read_indexed_or_warn(runs, folder, log);
      if (!run) continue;
      if (!is_held) update.put(*run);  // a run that goes on keeps its row itself
      run->metrics = best_only(*run);
    }
    if (run->state == "running" && !is_held) run->state = "lost";
    all.push_back(std::move(*run));
  }
  for (const auto& [folder, run] : known) update.remove(folder);
  return all;
}

size_t reindex_runs(const std::string& runs, const Log& log) {
  const std::string path = index_path(runs), built = fmt::format("{}.tmp-{}", path, ::getpid());
  const std::vector<std::string> unfinished{".tmp-"};
  remove_beside(path, unfinished);
  size_t count = 0;
  try {
    {
      io::RunIndex index(built, io::Sqlite::Mode::kWrite, 0);
      for (const auto& folder : find_runs(runs)) {
        const auto run = read_indexed_or_warn(runs, folder, log);
        if (run) index.put(*run);
        count += run ? 1 : 0;
      }
    }
    put_in_place(built, path);
  } catch (...) {
    remove_beside(path, unfinished);
    throw;
  }
  remove_beside(path, unfinished);
  return count;
}

std::vector<std::string> read_tags(const std::string& path) {
  const fs::path file = fs::path(path) / "tags";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  auto tags = split(io::read_file(file.string()), '\n');
  std::erase(tags, "");
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

void write_tags(const std::string& path, std::vector<std::string> tags) {
  for (const auto& word : tags) {
    if (!is_tag(word)) {
      throw ConfigError(fmt::format(
          "tag \"{}\": expected 1 to {} bytes of UTF-8 without spaces and control characters, not beginning with '-'",
          word, kMaxTagBytes));
    }
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  io::write_file((fs::path(path) / "tags").string(), tags.empty() ? "" : join(tags, "\n") + "\n");
}

}  // namespace heterodyne
