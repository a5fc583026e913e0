#include "heterodyne/eval/run_record.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/routing_file.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  explicit Folder(RunRecord& run) : run_(run) {}

  std::string path(const std::string& name) const { return (fs::path(run_.path) / name).string(); }
  bool contains(const std::string& name) const { return fs::is_regular_file(path(name)); }

  /// Runs `read` if the file is there; what it throws becomes a problem.
  template <class Read>
  void read(const std::string& name, Read read) {
    if (!contains(name)) return;
    try {
      read(path(name));
    } catch (const Error& error) {
      run_.problems.emplace_back(error.what());
    }
  }

 private:
  RunRecord& run_;
};

int64_t number_after(std::string_view line, std::string_view word) {
  int64_t number = 0;
  if (!line.starts_with(word)) return 0;
  line.remove_prefix(word.size());
  std::from_chars(line.data(), line.data() + line.size(), number);
  return number;
}

void read_state(const std::string& path, RunRecord& run) {
  static constexpr const char* kWords[] = {"running", "done", "failed", "interrupted"};
  for (const auto& line : split(io::read_file(path), '\n')) {
    if (std::find(std::begin(kWords), std::end(kWords), line) != std::end(kWords)) run.state = line;
    run.pid = std::max(run.pid, number_after(line, "pid "));
    run.heartbeat = std::max(run.heartbeat, number_after(line, "heartbeat "));
  }
  if (run.state == "unknown") run.problems.push_back(path + ": names no state");
}

// Whole lines only: a run that is writing, or was killed, may have left a part of one at the end.
std::vector<Table> read_lines(const std::string& path, RunRecord& run) {
  std::vector<Table> lines;
  const std::string text = io::read_file(path);
  int64_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    ++number;
    try {
      lines.push_back(io::parse_json_table(std::string_view(text).substr(begin, end - begin), path));
    } catch (const FormatError& error) {
      run.problems.push_back("line " + std::to_string(number) + " of " + error.what());
    }
    begin = end + 1;
  }
  return lines;
}

// Columns of one layer's history, filled in line by line.
void add_loads(const Table& load, int64_t step, LoadHistory& history, std::vector<std::vector<int64_t>>& rows) {
  const Value* ids = load.find("id");
  const Value* counts = load.find("count");
  if (!ids || !counts || !ids->if_array() || !counts->if_array()) return;
  auto& row = rows.emplace_back(history.id_E.size(), 0);
  history.step_T.push_back(step);
  for (size_t i = 0; i < std::min(ids->if_array()->size(), counts->if_array()->size()); ++i) {
    const int64_t* id = (*ids->if_array())[i].if_integer();
    const int64_t* count = (*counts->if_array())[i].if_integer();
    if (!id || !count) continue;
    const auto found = std::find(history.id_E.begin(), history.id_E.end(), *id);
    const auto column = static_cast<size_t>(found - history.id_E.begin());
    if (found == history.id_E.end()) {
      history.id_E.push_back(*id);
      row.push_back(0);
    }
    row[column] = *count;
  }
}

}  // namespace

std::vector<const Table*> RunRecord::lines(const std::string& kind) const {
  std::vector<const Table*> found;
  for (const Table& line : metrics) {
    const Value* value = line.find("kind");
    if (value && *value == Value(kind)) found.push_back(&line);
  }
  return found;
}

RunRecord read_run(const std::string& path) {
  RunRecord run;
  run.path = path;
  run.state = "unknown";
  if (!fs::exists(path)) throw FormatError::in_file(path, "no such run");
  Folder folder(run);
  if (!folder.contains("resolved.toml"))
    throw FormatError::in_file(path, "is not a run's folder: it has no resolved.toml");
  folder.read("resolved.toml", [&](const std::string& file) {
    run.config_text = io::read_file(file);
    run.config = parse_toml(run.config_text, file);
  });
  folder.read("environment.json",
              [&](const std::string& file) { run.environment = io::parse_json_table(io::read_file(file), file); });
  folder.read("state", [&](const std::string& file) { read_state(file, run); });
  folder.read("metrics.jsonl", [&](const std::string& file) { run.metrics = read_lines(file, run); });
  folder.read("experts.jsonl", [&](const std::string& file) { run.events = read_lines(file, run); });
  folder.read("routing.safetensors", [&](const std::string& file) { run.routing = read_routing(file); });
  const Value* name = run.config.find("name");
  run.name = name && name->if_text() ? *name->if_text() : fs::path(path).lexically_normal().filename().string();
  return run;
}

std::vector<LoadHistory> load_history(const RunRecord& run) {
  std::vector<LoadHistory> histories;
  std::vector<std::vector<std::vector<int64_t>>> rows;  // of each history
  for (const Table* line : run.lines("experts")) {
    const Value* step = line->find("step");
    if (!step || !step->if_integer()) continue;
    for (const auto& [layer, load] : line->entries()) {
      if (!load.if_table()) continue;
      auto found =
          std::find_if(histories.begin(), histories.end(), [&](const auto& one) { return one.layer == layer; });
      if (found == histories.end()) {
        histories.push_back({layer, {}, {}, {}});
        rows.emplace_back();
        found = std::prev(histories.end());
      }
      add_loads(*load.if_table(), *step->if_integer(), *found, rows[static_cast<size_t>(found - histories.begin())]);
    }
  }
  for (size_t h = 0; h < histories.size(); ++h) {
    for (auto& row : rows[h]) {
      row.resize(histories[h].id_E.size(), 0);
      histories[h].count_TE.insert(histories[h].count_TE.end(), row.begin(), row.end());
    }
  }
  return histories;
}

}  // namespace heterodyne
