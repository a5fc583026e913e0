// Measures what it costs to change the number of a layer's experts in training: eight come and eight go, with the
// optimizer's state of each, beside a copy of the bytes that must move and a training step.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/interleave.h"
#include "cli/bench/layer_shape.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

struct GrowthResult {
  LayerShape shape;
  int64_t num_experts = 0;
  int64_t num_moved = 0;   // experts that come, and that go
  double moved_bytes = 0;  // their values and both moments, and the router's rows of all experts with theirs
  /// "add" and "remove" of num_moved experts, "copy" of moved_bytes, "step" of the layer with AdamW.
  std::vector<Timing> timings;
  bool keeps_others = false;  // whether the tensors of all other experts stayed where they were

  const Timing& of(const std::string& name) const;
};

/// Throws ConfigError when the shape's router cannot be resized.
GrowthResult measure_growth(const LayerShape& shape, const InterleaveOptions& options);

Rows growth_rows(const std::vector<GrowthResult>& results);
Array growth_objects(const std::vector<GrowthResult>& results);

}  // namespace heterodyne::cli
