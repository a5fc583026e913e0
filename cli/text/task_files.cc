#include "cli/text/task_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/io/file.h"

namespace heterodyne::cli {
namespace {

namespace fs = std::filesystem;

std::string text_of_task(const std::string& path) {
  if (fs::is_regular_file(path)) return io::read_file(path);
  const std::string name = fs::path(path).extension() == ".toml" ? fs::path(path).stem() : fs::path(path).filename();
  const auto found = task_texts().find(name);
  if (found != task_texts().end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [task, text] : task_texts()) names.push_back(task);
  const std::string close = nearest(name, names);
  throw ConfigError(fmt::format("{}: no such file or task{}. All tasks: heterodyne ls tasks", path,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

}  // namespace

Rows task_list() {
  Rows rows{{"name", "summary"}, {}};
  for (const auto& [name, text] : task_texts()) {
    const EvalTask task(name, parse_toml(text, name));
    rows.rows.push_back({name, task.options().about});
  }
  return rows;
}

FoundTask find_task(const std::string& name) {
  const Table settings = load_config(name, text_of_task);
  return {EvalTask(fs::path(name).stem(), settings),
          fs::is_regular_file(name) ? fs::path(name).parent_path().string() : ""};
}

std::string read_rows(const FoundTask& task, const std::string& path, const std::vector<std::string>& folders) {
  std::vector<std::string> all = folders;
  if (!task.folder.empty()) all.insert(all.begin(), task.folder);
  if (auto rows = find_source_file(all, path)) return *std::move(rows);
  throw FormatError("task " + task.task.name(),
                    fmt::format("{}: not found (also tried .gz, .xz) in {}; see docs/harness.md", path, join(folders)));
}

}  // namespace heterodyne::cli
