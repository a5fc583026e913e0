// Measures what a layer does beside its experts: the router, the counting sort behind it, the way of the rows to the
// experts and back, beside the product of tokens and gate that no linear router can do without.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/interleave.h"
#include "cli/bench/layer_shape.h"
#include "cli/bench/machine.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

struct DispatchResult {
  LayerShape shape;
  int64_t num_experts = 0;
  double pairs = 0;
  /// "router" with all it decides; "sort", of its pairs; "logits", tokens times gate by this project's linear layer;
  /// "logits mm", by LibTorch; "permute" and "combine", of rows of the layer's width.
  std::vector<Timing> timings;
  MachineRates machine;

  const Timing& of(const std::string& name) const;
};

DispatchResult measure_dispatch(const LayerShape& shape, const InterleaveOptions& options);

/// A row for each shape.
Rows dispatch_rows(const std::vector<DispatchResult>& results);
Array dispatch_objects(const std::vector<DispatchResult>& results);

}  // namespace heterodyne::cli
