// The `lora` section of a network: which of its projections learn corrections of low rank (nn/lora_linear.h), and what
// learns beside them while everything else stays as it is.
//
//   [model.lora]
//   rank = 8
//   targets = ["blocks.*.attention.query", "blocks.*.attention.value"]
//   trains = ["*.router.*"]
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/layer/moe_layer.h"

namespace heterodyne {

struct LoraSection {
  int64_t rank = 0;
  double alpha = 16;
  std::vector<std::string> targets = {"blocks.*.attention.*"};
  std::vector<std::string> trains;

  void visit(Fields& field) {
    field("rank", rank, "rank of the corrections that projections learn beside their matrices; 0: there are none",
          at_least(0));
    const bool is_used = rank > 0;
    field("alpha", alpha, "corrections are multiplied by alpha / rank", more_than(0),
          effective_when(is_used, "rank = 0"));
    field("targets", targets,
          "names of the projections, '*' for any text: \"blocks.*.attention.query\", \"layers.*.w1\"", list_or_one(),
          effective_when(is_used, "rank = 0"));
    field("trains", trains, "names of parameters that learn too; all others stay as they are", list_or_none(),
          effective_when(is_used, "rank = 0"));
  }

  /// Adds the corrections to the projections (nn::LoraLinear) of `network` that the targets name, with first values
  /// from `seed`, and leaves nothing else to learn but `trains`. Does nothing for rank 0. Throws ConfigError about
  /// model.lora when a pattern names no projection, one inside a layer of experts (those run together and cannot have
  /// corrections), or no parameter.
  void attach(torch::nn::Module& network, const std::vector<MoeLayer*>& layers, uint64_t seed) const;
};

/// Whether the name is that of a correction's parameter: it ends in ".lora_a" or ".lora_b".
bool is_lora_name(const std::string& name);

}  // namespace heterodyne
