// The `soft_moe` section of a network: which of its layers are soft mixtures of experts (layer/soft_moe.h), and of
// what.
//
//   [model.soft_moe]
//   layers = [1]
//   slots_per_expert = 4
//   experts = [{ kind = "mlp", hidden = 256, count = 4 }]
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "heterodyne/layer/soft_moe.h"

namespace heterodyne {

struct SoftSection : SoftMoeOptions {
  std::vector<int64_t> layers;

  void visit(Fields& field) {
    field("layers", layers,
          "which layers are soft mixtures: a token sees its whole sequence, nothing is routed; [] for none",
          between(0, 1000));
    SoftMoeOptions::visit(field, !layers.empty());
  }

  bool has(int64_t index) const { return std::find(layers.begin(), layers.end(), index) != layers.end(); }
};

}  // namespace heterodyne
