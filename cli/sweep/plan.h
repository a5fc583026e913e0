// Sweep plan: which runs a sweep consists of. Every configuration is trained with every variant and every combination
// of the grid's values; nothing is read but configurations.
//
//   name = "mix"                                  # of its folder
//   configs = ["cifar10/dmmoe", "mine.toml"]      # recipes, or files as seen from here
//   set = ["train.epochs=15"]                     # laid over all of them
//   [grid]
//   seed = [1, 2, 3]
//   "model.moe.router.k" = [1, 2]
//   [variants]                                    # settings that belong together
//   switch = ["model.moe.router={ kind = \"switch\" }", "model.moe.balancers=[]"]
#pragma once

#include <string>
#include <vector>

#include "cli/recipes.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli {

/// One setting and the values it takes, each as `--set` would have it.
struct GridAxis {
  std::string path;
  std::vector<std::string> values;
};

/// Settings that belong together, each "PATH=VALUE".
struct SweepVariant {
  std::string name;
  std::vector<std::string> settings;
};

struct SweepRequest {
  std::string name;  // of the sweep; empty where the command line does not give it one
  std::vector<std::string> configs;
  std::vector<SweepVariant> variants;
  std::vector<GridAxis> grid;
  ConfigFlags flags;
};

/// One run to be.
struct SweepRun {
  std::string folder;                 // its name in the sweep's folder: "cifar10-dmmoe-k-1-seed-2"
  std::string config;                 // what `train` is given
  std::vector<std::string> settings;  // with these as --set
  Experiment experiment;
};

/// "model.moe.router.k=1,2,[3, 4]": commas inside brackets, braces and quotes part nothing. Throws ConfigError:
/// "--grid k: expected PATH=VALUE,VALUE...".
GridAxis parse_axis(const std::string& text);

/// The grid with this axis: in the place of that of the same path, where there is one.
void set_axis(std::vector<GridAxis>& grid, GridAxis axis);

/// Whether the file `config` describes a sweep rather than an experiment: it has a key `configs`.
bool is_sweep_file(const std::string& config);

/// What the file says, its configurations seen from here. Throws ConfigError.
SweepRequest read_sweep_file(const std::string& file);

/// All runs, configurations outermost and the last axis innermost. A run is called as its configuration, its variant
/// and its values of the grid but for the seed; so runs that differ in their seed alone have one name. Throws
/// ConfigError: a configuration or setting is wrong, the grid has values for a setting that `flags` gives as well, two
/// configurations have one name, or two runs resolve to the same settings.
std::vector<SweepRun> plan_sweep(const SweepRequest& request);

}  // namespace heterodyne::cli
