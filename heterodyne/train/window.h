// Window: what happened since the last line of training metrics, and the line itself.
#pragma once

#include "heterodyne/base/table.h"
#include "heterodyne/train/state.h"
#include "heterodyne/train/step.h"

namespace heterodyne {

void add(Window& window, const StepResult& result);

/// Averages: "loss", "task", every other part by name, "accuracy" (0 .. 1), "grad_norm", and for each MoE layer
/// "layers.0.k", ".max_ideal" (largest load over an even one), ".dead", ".entropy", ".dropped" (share of the wanted
/// assignments).
Table averages(const Window& window);

}  // namespace heterodyne
