// The `moe` section of a network: settings of all its MoE layers, and of single ones that differ.
//
//   [model.moe]                 # every layer
//   router = { kind = "top_k" }
//   [model.moe.layer.3]         # but for this one
//   router = { kind = "switch" }
#pragma once

#include <cstdint>
#include <map>

#include "heterodyne/layer/moe_layer.h"

namespace heterodyne {

struct MoeSection : MoeOptions {
  std::map<int64_t, MoeOptions> layer;

  void visit(Fields& field) {
    MoeOptions::visit(field);
    field("layer", numbered<MoeOptions>(layer, *this), "settings of single layers by their index, laid over these");
  }

  /// Of the layer with this index.
  const MoeOptions& of(int64_t index) const {
    const auto found = layer.find(index);
    return found == layer.end() ? *this : found->second;
  }
};

}  // namespace heterodyne
