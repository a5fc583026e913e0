#include "cli/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/run_list.h"

namespace heterodyne::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShortestId = 4;

bool is_run_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::path(path) / "resolved.toml", ignored);
}

int64_t seconds_since(int64_t then) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count() - then, 0);
}

bool is_id(const std::string& word) {
  return word.size() >= kShortestId && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

[[noreturn]] void refuse_unknown(const std::string& word, const std::vector<io::IndexedRun>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs) {
    names.push_back(run.name);
    names.push_back(run.folder);
  }
  const std::string close = nearest(word, names);
  throw FormatError(fmt::format("{}: no run of that path, name or id{}. All runs: heterodyne runs ls", printable(word),
                                close.empty() ? "" : fmt::format("; nearest: \"{}\"", printable(close))));
}

}  // namespace

FoundRun find_run(const std::string& word, const Invocation& invocation) {
  const std::string& runs = invocation.environment.runs;
  if (word.empty()) throw ConfigError("expected a run: its folder, name or id. All runs: heterodyne runs ls");
  for (const auto& path : {word, (fs::path(runs) / word).string()}) {
    if (is_run_folder(path)) return {path, folder_within(runs, path)};
  }
  const auto all = list_runs(runs, invocation.terminal.log());
  std::vector<const io::IndexedRun*> matches;
  for (const auto& run : all) {
    if (run.name == word || (is_id(word) && run.id.starts_with(word))) matches.push_back(&run);
  }
  if (matches.empty()) refuse_unknown(word, all);
  if (matches.size() > 1) {
    std::vector<std::string> folders;
    for (const auto* run : matches) folders.push_back(fmt::format("{} ({})", printable(run->folder), run->id));
    throw ConfigError(fmt::format("{}: {} runs match: {}", printable(word), matches.size(), join(folders)));
  }
  return {(fs::path(runs) / matches[0]->folder).string(), matches[0]->folder};
}

Rows run_rows(const std::vector<io::IndexedRun>& runs, const std::string& format) {
  const bool is_for_people = format == "table" || format == "md";
  const bool has_folders =
      !is_for_people || std::any_of(runs.begin(), runs.end(), [](const auto& run) { return run.folder != run.name; });
  Rows rows{{"id", "name", "state", is_for_people ? "age" : "age_s", "steps", "metric", "best", "tags"}, {}};
  if (has_folders) rows.columns.emplace_back("folder");
  for (const auto& run : runs) {
    Value age = is_for_people ? Value(age_text(run.heartbeat)) : Value();
    if (!is_for_people && run.heartbeat > 0) age = seconds_since(run.heartbeat);
    const auto metric =
        std::find_if(run.metrics.begin(), run.metrics.end(), [&](const auto& m) { return m.name == run.best_metric; });
    const bool has_best = metric != run.metrics.end() && metric->best;
    auto& row = rows.rows.emplace_back(std::vector<Value>{run.id, run.name, run.state, age, run.step, run.best_metric,
                                                          has_best ? Value(metric->best->value) : Value(),
                                                          join(run.tags, " ")});
    if (has_folders) row.emplace_back(run.folder);
  }
  return rows;
}

std::string age_text(int64_t then) {
  constexpr int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (then <= 0) return "-";
  const int64_t age = seconds_since(then);
  if (age < kMinute) return fmt::format("{}s", age);
  if (age < kHour) return fmt::format("{}m", age / kMinute);
  return age < kDay ? fmt::format("{}h", age / kHour) : fmt::format("{}d", age / kDay);
}

}  // namespace heterodyne::cli
