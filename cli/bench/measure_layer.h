// Measures a MoeLayer as a user gets it, router included, against dense layers of the same operations and against plain
// layers, all in turns in one process.
//
// Letters: T tokens, D width, E experts, N chosen pairs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bench/interleave.h"
#include "cli/bench/layer_shape.h"
#include "cli/bench/machine.h"
#include "cli/bench/rival.h"

namespace heterodyne::cli {

struct LayerBenchOptions {
  InterleaveOptions interleave;
  bool rivals = true;  // the plain layers too, not only the dense ones
};

/// One pass of one shape.
struct PassResult {
  std::string pass;             // "forward" or "forward+backward"
  double flops = 0;             // of the experts
  std::vector<Timing> timings;  // "layer", "router", then what it is compared with
  std::string dense_best;       // the dense one with the lowest median; empty when none was timed
  MachineRates machine;

  /// Throws Error when nothing of that name was timed.
  const Timing& of(const std::string& name) const;
  bool has(const std::string& name) const;
};

struct LayerResult {
  LayerShape shape;
  LayerWork work;
  double base_flops = 0;  // of the shape that per_flop_of names, forward
  std::vector<PassResult> passes;
  double peak_bytes = 0;   // of the first forward and backward pass, without the weights' gradients
  double ideal_bytes = 0;  // the least that such experts need: the input, two hidden values of each pair, the routing;
                           // 0 for experts that are not all of the kind swiglu
  double difference = 0;   // largest of a plain layer's answers from the layer's, over the largest answer
  bool is_compared = false;  // whether there was a plain layer
};

/// The values of a layer of equal swiglu experts behind the plain top-k router, copied; nothing for other layers.
std::optional<RivalValues> values_of(MoeLayer& layer, const LayerShape& shape);

/// Times the forward pass, then forward and backward. `base`, the shape that shape.per_flop_of names, is timed beside
/// it as "base"; may be null. Throws CheckError when a plain layer answers differently.
LayerResult measure_layer(const LayerShape& shape, const LayerShape* base, const LayerBenchOptions& options);

/// The layer's time for an operation over that of the base.
Spread per_flop_ratio(const LayerResult& result, const PassResult& pass);

}  // namespace heterodyne::cli
