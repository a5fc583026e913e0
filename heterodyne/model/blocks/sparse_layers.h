// The `moe` section of a network of which some layers are Mixtures of Experts and the others are dense.
//
//   [model.moe]
//   layers = [1, 3]                # counted from 0; without it, all
//   experts = [{ kind = "mlp", hidden = 256, count = 4 }]
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "heterodyne/model/blocks/moe_section.h"

namespace heterodyne {

struct SparseLayers : MoeSection {
  std::vector<int64_t> layers;

  void visit(Fields& field) {
    MoeSection::visit(field);
    field("layers", layers, "which layers are Mixtures of Experts, counted from 0; [] for all", list_or_none(),
          between(0, 1000), effective_when(!experts.empty(), "experts = []"));
  }

  /// Whether the layer is a Mixture of Experts; none is without experts.
  bool contains(int64_t index) const {
    return !experts.empty() && (layers.empty() || std::find(layers.begin(), layers.end(), index) != layers.end());
  }
  /// Throws ConfigError about the settings of layers that are not among the `count` there are, or are dense.
  void check(int64_t count) const;
};

}  // namespace heterodyne
