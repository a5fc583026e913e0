// A small experiment on made-up images for the tests of this room.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/config.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::fixtures {

/// Four kinds of experts, dropout and noise, 240 training images in batches of 40, `settings` laid over it.
inline Experiment small_experiment(const std::vector<std::string>& settings = {}) {
  Table config = parse_toml(R"(
name = "small"
seed = 3
[data]
kind = "synthetic"
examples = 300
test_examples = 60
classes = 3
size = 16
batch = 40
validation = 0.2
[model]
kind = "dmmoe"
width = 16
moe = { router = { kind = "top_k", k = 2, noise = "gumbel" }, experts = [{ kind = "mlp", hidden = 24 }, { kind = "conv1d", channels = 4 }, { kind = "vit_block", heads = 2, hidden = 20, dropout = 0.1 }, { kind = "lstm_cell" }], balancers = [{ kind = "switch_loss", weight = 0.02 }, { kind = "z_loss" }] }
[train]
epochs = 2
optimizer = { kind = "adamw", lr = 2e-3, clip_norm = 1.0 }
schedule = { kind = "one_cycle" }
log_every = 4
)",
                            "small.toml");
  for (const auto& setting : settings) set_from_text(config, setting);
  return read_experiment(config);
}

/// The same with four experts that are alike and a top-any gate, width 16.
inline Experiment growing_experiment(std::vector<std::string> settings = {}) {
  std::vector<std::string> all = {
      R"(model.moe.router={kind="top_any"})", R"(model.moe.experts=[{kind="mlp",hidden=24,count=4}])",
      R"(model.moe.balancers=[{kind="diversity"},{kind="simplicity"},{kind="weight_balance"},{kind="efficiency"}])"};
  all.insert(all.end(), settings.begin(), settings.end());
  return small_experiment(all);
}

}  // namespace heterodyne::fixtures
