// Build: a dense network and a map of neurons for each of its layers become a network with Mixtures of Experts. Nothing
// is learned; with all experts at work the answers are those of the dense network, when the maps keep every neuron.
//
// An expert has its neurons' rows of gate and up and their columns of down, in ascending order. Neurons that all
// experts have become one shared expert, which works once for each token; of others that are in m experts each gives
// the m-th part, by a column of down divided by m. Where all experts have all neurons, each is a copy of the layer.
//
// The answers of a token's experts are added up as they are ("sum"), or with weights that add up to one ("mean"); then
// each expert gives E times as much. What down adds to each answer, its bias, comes from the shared expert where there
// is one; otherwise each expert gives its part of it, the E-th of a sum, the whole of a mean.
//
// So a token's answer is that of the dense layer when all experts have equal weights; of copies with any weights that
// add up to one.
//
// Letters: F neurons, H width, E experts.
#pragma once

#include <map>
#include <string>

#include "heterodyne/base/table.h"
#include "heterodyne/convert/neuron_map.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

struct ConversionPlan {
  std::map<int64_t, NeuronMap> maps;  // by the layer's index
  Table router;                       // with its kind
  Array balancers;                    // tables with their kinds
  /// "random": as the router's kind begins; "keys": each expert's row is the mean of its neurons' rows of gate;
  /// "domains": the rows of router_EH.
  std::string router_init = "random";
  std::string combine = "sum";                      // or "mean"
  std::map<int64_t, torch::Tensor> router_EH = {};  // by the layer's index; see router_rows.h
};

/// The settings of the converted network, from those of the dense one. Throws Error when a layer's expert would have no
/// neuron of its own.
Table converted_settings(const Table& model, const ConversionPlan& plan);

struct CopyCoverage {
  int64_t source_used = 0, source_total = 0;  // tensors
  int64_t target_from_source = 0, target_new = 0;
  int64_t neurons_left_out = 0;
};

/// Copies every value of the dense network, state_of() or what a file holds of it, to its place in `target`, which has
/// converted_settings(). Throws Error when a tensor of the target has no source and is no router's, when shapes differ,
/// or `router_init` cannot be done: copies have no keys of their own, and a router needs a row for each expert.
CopyCoverage copy_converted(const NamedTensors& source, Network& target, const ConversionPlan& plan);

/// The logits of a network in eval mode, with so many experts at work for each token; 0: as many as its routers choose.
torch::Tensor answers_of(Network& network, Batch batch, int64_t num_experts = 0);

}  // namespace heterodyne
