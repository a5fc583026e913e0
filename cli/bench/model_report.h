// What was measured of training steps, for people and for programs.
#pragma once

#include <string>

#include "cli/bench/measure_model.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

/// "lm/llama  858,112 params   step 41.2 ms (p5 40.1, p95 45.0)   24,850 tok/s   180 GFLOP/s, 40 % of peak   forward 35
/// % backward 60 % optimizer 5 %   memory 35.1 MB"
std::string model_line(const ModelResult& model, const MachineRates& machine);

/// A row for each model.
Rows model_rows(const ModelBench& bench);
/// A row for each part of each model's step.
Rows part_rows(const ModelBench& bench);
Array model_objects(const ModelBench& bench);

}  // namespace heterodyne::cli
