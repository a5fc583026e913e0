// Panels: a copy of a weight matrix laid out for products with rows, so that it need not be packed for each of them.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// The panels (panels_cpu.h) of the transposed matrix, for y = x W^T, one after the other: float32, as many values as
/// matrix_OI has. Throws ShapeError unless matrix_OI is a float32 CPU tensor [outputs, inputs].
torch::Tensor pack_panels(const torch::Tensor& matrix_OI);

}  // namespace heterodyne::ops
