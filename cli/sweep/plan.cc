#include "cli/sweep/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "heterodyne/base/config.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/sha256.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostRuns = 10'000;
constexpr size_t kLongestLabel = 60;

struct SweepFileOptions {
  std::string name;
  std::vector<std::string> configs;
  std::vector<std::string> set;
  void visit(Fields& field) {
    field("name", name, "of the sweep's folder", required());
    field("configs", configs, "recipes, or files as seen from here", list_or_one(), required());
    field("set", set, "PATH=VALUE, laid over every configuration", list_or_none());
  }
};

bool is_plain(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; }

// A few characters that tell this text from others.
std::string mark_of(const std::string& text) { return io::sha256_hex(text).substr(0, 8); }

// Text as part of a folder's name: letters, digits, '-', '_' and '.'; what else there is becomes single dashes.
std::string plain(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (is_plain(c)) name += c;
    else if (!name.empty() && name.back() != '-') name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  if (name.size() <= kLongestLabel) return name;
  return name.substr(0, kLongestLabel) + "-" + mark_of(text);
}

// A path's last key, or as many as tell it from the other axes.
std::string label_of(const GridAxis& axis, const std::vector<GridAxis>& grid) {
  for (size_t dot = axis.path.rfind('.'); dot != std::string::npos && dot > 0; dot = axis.path.rfind('.', dot - 1)) {
    const std::string end = axis.path.substr(dot + 1);
    const auto ends_so = [&](const GridAxis& other) { return other.path == end || other.path.ends_with("." + end); };
    if (std::count_if(grid.begin(), grid.end(), ends_so) == 1) return end;
  }
  return axis.path;
}

std::string text_of(const Value& value) { return value.if_text() ? *value.if_text() : write_value(value); }

std::vector<std::string> texts_of(const Value& value, const std::string& what) {
  const Array* items = value.if_array();
  if (!items) throw ConfigError(value.position().prefix() + what + ": expected a list of values");
  std::vector<std::string> texts;
  for (const Value& item : *items) texts.push_back(text_of(item));
  return texts;
}

Table table_at(const Table& file, const char* key) {
  const Value* value = file.find(key);
  if (value && !value->if_table()) throw ConfigError(value->position().prefix() + key + ": expected a table");
  return value ? *value->if_table() : Table();
}

// One combination: which value of each axis. The last axis changes fastest.
bool advance(std::vector<size_t>& choice, const std::vector<GridAxis>& grid) {
  for (size_t i = grid.size(); i-- > 0;) {
    if (++choice[i] < grid[i].values.size()) return true;
    choice[i] = 0;
  }
  return false;
}

// A setting that every run lays a value of the grid over would count for nothing.
void check_settings(const SweepRequest& request) {
  std::vector<std::string> settings = request.flags.set;
  if (!request.flags.seed.empty()) settings.push_back("seed=" + request.flags.seed);
  for (const auto& setting : settings) {
    for (const auto& axis : request.grid) {
      if (!setting.starts_with(axis.path + "=")) continue;
      throw ConfigError(
          fmt::format("sweep: {}: the grid has values of its own for {}: {}; expected --grid {} in their place",
                      printable(setting), axis.path, printable(join(axis.values)), printable(setting)));
    }
  }
}

class Planner {
 public:
  explicit Planner(const SweepRequest& request) : request_(request), variants_(request.variants) {
    check_settings(request);
    if (variants_.empty()) variants_.push_back({});
    for (const auto& axis : request.grid) labels_.push_back(label_of(axis, request.grid));
  }

  std::vector<SweepRun> plan() {
    for (const auto& config : request_.configs) {
      for (const auto& variant : variants_) add_grid(config, variant);
    }
    return std::move(runs_);
  }

 private:
  void add_grid(const std::string& config, const SweepVariant& variant) {
    std::vector<size_t> choice(request_.grid.size());
    do {
      if (runs_.size() == kMostRuns)
        throw ConfigError(fmt::format("sweep: expected at most {} runs, got more", with_commas(kMostRuns)));
      add(config, variant, choice);
    } while (advance(choice, request_.grid));
  }

  void add(const std::string& config, const SweepVariant& variant, const std::vector<size_t>& choice) {
    SweepRun run;
    run.config = config;
    run.settings = request_.flags.set;
    if (!request_.flags.seed.empty()) run.settings.push_back("seed=" + request_.flags.seed);
    run.settings.insert(run.settings.end(), variant.settings.begin(), variant.settings.end());
    std::string name = name_of(config, run.settings), seed;
    if (!variant.name.empty()) name += "-" + variant.name;
    for (size_t i = 0; i < choice.size(); ++i) {
      const GridAxis& axis = request_.grid[i];
      const std::string& value = axis.values[choice[i]];
      run.settings.push_back(axis.path + "=" + value);
      const std::string part = "-" + plain(labels_[i] + "-" + value);
      (axis.path == "seed" ? seed : name) += part;
    }
    run.settings.push_back("name=" + name);
    run.folder = name + seed;
    run.experiment = checked(run);
    mark(run, name, seed);
    refuse_twice(run);
    runs_.push_back(std::move(run));
  }

  // Runs that differ in more than their seed have names that differ too, or they would be one group: values that look
  // alike in a name get a mark of the settings.
  void mark(SweepRun& run, const std::string& name, const std::string& seed) {
    Table settings = run.experiment.resolved;
    settings.erase("name");
    settings.erase("seed");
    const std::string text = write_toml(settings);
    const auto [found, is_first] = names_.try_emplace(name, text);
    if (is_first) {
      check_network(run);
    } else if (found->second != text) {
      run.settings.back() += "-" + mark_of(text);
      run.folder = name + "-" + mark_of(text) + seed;
      run.experiment = checked(run);
      check_network(run);
    }
  }

  // The experiment's own name, which no other configuration of the sweep may have: their runs would be one group.
  std::string name_of(const std::string& config, const std::vector<std::string>& settings) {
    const Table table = read_config(config, {settings, ""});
    const Value* name = table.find("name");
    if (!name || !name->if_text()) throw ConfigError(config + ": name: expected what the run is called");
    const auto [found, is_first] = configs_.try_emplace(*name->if_text(), config);
    if (!is_first && found->second != config) {
      throw ConfigError(
          fmt::format("sweep: {} and {} are both called \"{}\", so that their runs could not be told "
                      "apart; give one of them another name",
                      found->second, config, printable(found->first)));
    }
    return found->first;
  }

  // Everything that is wrong with a run shows before the first one starts.
  template <class Call>
  static auto blaming(const SweepRun& run, const Call& call) {
    try {
      return call();
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("sweep: run {}: {}", run.folder, error.what()));
    }
  }
  static Experiment checked(const SweepRun& run) {
    return blaming(run, [&] { return read_experiment(read_config(run.config, {run.settings, ""})); });
  }
  static void check_network(const SweepRun& run) {
    blaming(run, [&] { return checked_network(run.experiment); });
  }

  void refuse_twice(const SweepRun& run) {
    Table settings = run.experiment.resolved;
    settings.erase("name");
    const auto [found, is_first] = known_.try_emplace(write_toml(settings), run.folder);
    if (is_first) return;
    const std::string other =
        found->second == run.folder ? "is in the sweep twice" : "is run " + found->second + " again";
    throw ConfigError(fmt::format("sweep: run {} {}: both resolve to the same settings", run.folder, other));
  }

  const SweepRequest& request_;
  std::vector<SweepVariant> variants_;
  std::vector<std::string> labels_;             // of the axes
  std::map<std::string, std::string> configs_;  // by the name in it
  std::map<std::string, std::string> names_;    // their settings but for the seed, by name
  std::map<std::string, std::string> known_;    // folders by settings
  std::vector<SweepRun> runs_;
};

}  // namespace

GridAxis parse_axis(const std::string& text) {
  const size_t equals = text.find('=');
  GridAxis axis{text.substr(0, equals), {}};
  if (equals == std::string::npos || axis.path.empty())
    throw ConfigError("--grid " + text + ": expected PATH=VALUE,VALUE..., for example seed=1,2,3");
  int depth = 0;
  char quote = 0;
  std::string value;
  for (const char c : text.substr(equals + 1) + ",") {
    if (quote) quote = c == quote ? '\0' : quote;
    else if (c == '"' || c == '\'') quote = c;
    else if (c == '[' || c == '{') ++depth;
    else if (c == ']' || c == '}') --depth;
    if (c != ',' || depth > 0 || quote) {
      value += c;
      continue;
    }
    if (value.empty()) throw ConfigError("--grid " + text + ": expected a value on each side of a comma");
    axis.values.push_back(std::exchange(value, {}));
  }
  if (!value.empty()) throw ConfigError("--grid " + text + ": a bracket or quote is not closed");
  return axis;
}

void set_axis(std::vector<GridAxis>& grid, GridAxis axis) {
  const auto same =
      std::find_if(grid.begin(), grid.end(), [&](const GridAxis& known) { return known.path == axis.path; });
  if (same == grid.end()) grid.push_back(std::move(axis));
  else *same = std::move(axis);
}

bool is_sweep_file(const std::string& config) {
  std::error_code ignored;
  return fs::is_regular_file(config, ignored) && parse_toml(io::read_file(config), config).contains("configs");
}

SweepRequest read_sweep_file(const std::string& path) {
  Table file = parse_toml(io::read_file(path), path);
  SweepRequest request;
  const Table variants = table_at(file, "variants"), grid = table_at(file, "grid");
  for (const auto& [name, value] : variants.entries()) {
    if (!std::all_of(name.begin(), name.end(), is_plain))
      throw ConfigError(value.position().prefix() +
                        "[variants] expected names of letters, digits, '-', '_' and '.', got \"" + printable(name) +
                        "\"");
    request.variants.push_back({name, texts_of(value, "[variants] " + name)});
  }
  for (const auto& [key, value] : grid.entries()) {
    request.grid.push_back({key, texts_of(value, "[grid] " + key)});
    if (request.grid.back().values.empty())
      throw ConfigError(value.position().prefix() + "[grid] " + key + ": expected a value at least, got none");
  }
  file.erase("variants");
  file.erase("grid");
  const auto options = read_options<SweepFileOptions>(file, {});
  request.name = options.name;
  if (plain(request.name) != request.name || request.name.starts_with('.')) {
    throw ConfigError(file.find("name")->position().prefix() +
                      "name: expected letters, digits, '-', '_' and '.', not beginning with '.', got \"" +
                      printable(request.name) + "\"");
  }
  request.flags.set = options.set;
  for (const auto& config : options.configs) {
    const fs::path beside = fs::path(path).parent_path() / config;
    std::error_code ignored;
    request.configs.push_back(fs::is_regular_file(beside, ignored) ? beside.string() : config);
  }
  return request;
}

std::vector<SweepRun> plan_sweep(const SweepRequest& request) { return Planner(request).plan(); }

}  // namespace heterodyne::cli
