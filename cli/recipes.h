// Recipes: the configurations that come with the program, and how a command finds the one it is given.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "heterodyne/base/fields.h"
#include "heterodyne/base/table.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli {

/// Every recipe by name, "cifar10/dmmoe". Written by the build from configs/.
const std::map<std::string, std::string>& recipes();

/// What the flags add to a configuration.
struct ConfigFlags {
  std::vector<std::string> set;
  std::string seed;
  bool empty() const { return set.empty() && seed.empty(); }
  void visit(Fields& field) {
    field("set", set, "PATH=VALUE, a setting laid over the configuration; may be repeated");
    field("seed", seed, "the same as --set seed=N");
  }
};

/// Reads the file `config`, or the recipe of that name, its base laid under it, then the flags over it. Its own table
/// `flags` is no setting and left out.
/// Throws ConfigError; for an unknown name with the nearest recipe.
Table read_config(const std::string& config, const ConfigFlags& flags);

/// The experiment that read_config() gives. Throws ConfigError that names the right verb when it is a conversion or a
/// study of several runs.
Experiment read_training(const std::string& config, const ConfigFlags& flags);

/// The table `flags` of a configuration, its base's included; empty when it has none. See recipe_flags.h.
Table recipe_flags(const std::string& config);

/// Lays the flags over a configuration.
void apply_flags(Table& config, const ConfigFlags& flags);

}  // namespace heterodyne::cli
