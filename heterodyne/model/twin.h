// Twin: another network for the same data and of the same budget, for a fair comparison: with equal experts in the
// place of unlike ones, or dense, without a choice of experts.
//
// What is solved for is one hidden width. Every candidate is built and asked for its parameters and its cost, so a twin
// is as near as whole widths allow, and nothing is computed here that a network says of itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "heterodyne/base/table.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

enum class TwinForm { kDense, kHomogeneous };
enum class TwinBudget { kParams, kMacs, kActive };

/// What a network costs, each under perfectly even loads: see even_cost().
struct NetworkBudget {
  double params = 0;
  double executed_macs = 0;  // of one example
  double active_params = 0;  // that one token meets: of the experts' as many as it chooses

  double of(TwinBudget budget) const;
};
NetworkBudget network_budget(Network& network);

struct Twin {
  Table model;         // its settings, `kind` included
  int64_t hidden = 0;  // the width that was solved for
  std::string blocks;  // what has it: "each mlp expert"
  NetworkBudget budget;
};

/// Makes a network from the settings of a configuration's `model`.
using MakeNetwork = std::function<std::shared_ptr<Network>(const Table& model)>;

/// The twin of the network that `model` describes, with every setting written out.
///
/// Homogeneous: in each layer as many experts as before, all of the first of the kinds mlp, swiglu and geglu that the
/// layer has, or mlp; experts that answer nothing and shared experts stay. Dense: where the network has dense blocks
/// (`dense`), all its layers are such; otherwise each layer's experts become one that gets every token, which is a
/// dense feed-forward block.
///
/// Throws ConfigError when the network has no Mixture-of-Experts layer, when its dense block has no hidden width, or
/// when even a width of 1 exceeds the budget.
Twin twin_of(const Table& model, TwinForm form, TwinBudget budget, const MakeNetwork& make);

}  // namespace heterodyne
