// Rotate: turns pairs of features by an angle for each position, feature i with feature i + C / 2 (Su et al. 2021).
//
// Letters: B sequences, S tokens of a sequence, H heads, C features of a head.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// y[i] = x[i] cos[i] - x[i + C / 2] sin[i] and y[i + C / 2] = x[i + C / 2] cos[i] + x[i] sin[i], for x_BSHC of any
/// floating dtype on the CPU and cos_SC, sin_SC [S, C / 2] of the same dtype. Differentiable in x alone.
/// Throws ShapeError when a shape does not fit.
torch::Tensor rotate(const torch::Tensor& x_BSHC, const torch::Tensor& cos_SC, const torch::Tensor& sin_SC);

}  // namespace heterodyne::ops
