// What was measured of layers, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "cli/bench/measure_layer.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

/// "tokens 1,024 width 256 experts 8 (64..512) k 2   forward 1.04x dense (p5 1.01, p95 1.09)   forward+backward 1.17x
/// router 5 % of time"
std::string headline(const LayerResult& result);
/// "products 210 GFLOP/s (LibTorch 105, own 210)   memory read 38 GB/s, copied 40 GB/s"
std::string machine_line(const MachineRates& machine);

/// A row for each pass and each thing that was timed in it.
Rows layer_rows(const std::vector<LayerResult>& results);
/// {"shape", "pass", ..., "works": [...], "ratios": [...]} of each pass.
Array layer_objects(const std::vector<LayerResult>& results);

/// The ratios to the best dense layer that are over the limit: "C3 forward 1.40". Empty when none is.
std::vector<std::string> over_limit(const std::vector<LayerResult>& results, double limit);

}  // namespace heterodyne::cli
