#include "heterodyne/model/blocks/sparse_layers.h"

#include <fmt/format.h>

namespace heterodyne {

void SparseLayers::check(int64_t count) const {
  for (const int64_t index : layers) {
    if (index >= count)
      throw ConfigError("model", "moe.layers", fmt::format("expected indices below layers = {}, got {}", count, index));
  }
  for (const auto& [index, settings] : layer) {
    if (index >= count || !contains(index))
      throw ConfigError("model", fmt::format("moe.layer.{}", index),
                        "expected the index of a layer that is a Mixture of Experts");
  }
  if (experts.empty() && !balancers.empty())
    throw ConfigError("model", "moe.balancers", "has no effect while moe.experts = []; remove one of the two");
}

}  // namespace heterodyne
