#include "cli/recipes.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/conversion.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"

namespace heterodyne::cli {
namespace {

// "cifar10/dmmoe.toml", "cifar10/dmmoe" and "lm/../cifar10/dmmoe.toml" all name a recipe; a file of that name goes
// first.
std::string text_of(const std::string& path) {
  if (std::filesystem::is_regular_file(path)) return io::read_file(path);
  std::string name = std::filesystem::path(path).lexically_normal().string();
  if (name.ends_with(".toml")) name.resize(name.size() - 5);
  const auto found = recipes().find(name);
  if (found != recipes().end()) return found->second;
  if (std::filesystem::is_directory(path)) {
    const bool is_run = std::filesystem::is_regular_file(std::filesystem::path(path) / "resolved.toml");
    throw ConfigError(path + ": expected a configuration file or a recipe, got a folder" +
                      (is_run ? ". What the run was made with: " + path + "/resolved.toml" : ""));
  }
  std::vector<std::string> names;
  for (const auto& recipe : recipes()) names.push_back(recipe.first);
  const std::string close = nearest(name, names);
  throw ConfigError(fmt::format("{}: no such file or recipe{}. All recipes: heterodyne ls recipes", path,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

}  // namespace

void apply_flags(Table& config, const ConfigFlags& flags) {
  for (const auto& assignment : flags.set) set_from_text(config, assignment);
  if (!flags.seed.empty()) config.set("seed", Value::untyped(flags.seed, "--seed " + flags.seed));
}

Table recipe_flags(const std::string& config) {
  const Table table = load_config(config, text_of);
  const Value* flags = table.find("flags");
  if (flags == nullptr) return {};
  if (!flags->if_table()) throw ConfigError(flags->position().prefix() + "flags: expected a table");
  return *flags->if_table();
}

Table read_config(const std::string& config, const ConfigFlags& flags) {
  Table table = load_config(config, text_of);
  table.erase("flags");
  apply_flags(table, flags);
  return table;
}

Experiment read_training(const std::string& config, const ConfigFlags& flags) {
  const Table table = read_config(config, flags);
  if (is_conversion(table))
    throw ConfigError(fmt::format("{0}: is a conversion of a model: heterodyne convert run {0}", config));
  if (table.contains("configs"))
    throw ConfigError(fmt::format("{0}: is a study of several runs: heterodyne sweep {0}", config));
  return read_experiment(table);
}

}  // namespace heterodyne::cli
