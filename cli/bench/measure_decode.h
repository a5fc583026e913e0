// Measures layers on few tokens, as when text is made token by token: in float32 and with compact weights, beside a
// plain loop over the chosen experts and the dense layer that they are parts of, against the speed at which this
// machine reads memory. Each turn has other tokens, so that other experts are read, and a cache full of other values.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/interleave.h"
#include "cli/bench/layer_shape.h"
#include "cli/bench/machine.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

struct DecodeResult {
  LayerShape shape;
  struct Format {
    std::string name;  // "float32", "bf16", ...; "loop" for LibTorch's products in float32, "dense" for the whole layer
    double bytes = 0;  // that a turn must read: the chosen experts' weights and the gate, mean over the turns
    Timing timing;
  };
  std::vector<Format> formats;
  MachineRates machine;

  const Format& of(const std::string& name) const;
  /// Bytes/s as a share of those of memory, the median of the turns.
  double share_of_memory(const Format& format) const;
};

DecodeResult measure_decode(const LayerShape& shape, const InterleaveOptions& options);

/// A row for each shape and format.
Rows decode_rows(const std::vector<DecodeResult>& results);
Array decode_objects(const std::vector<DecodeResult>& results);

}  // namespace heterodyne::cli
