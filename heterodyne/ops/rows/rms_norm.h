// Root mean square normalisation (Zhang and Sennrich 2019, equation 4), one pass forward and one back.
//
// Letters: N rows, D features.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// x / sqrt(mean(x^2) + eps) times weight_D, over the last dimension of x [..., D] of any floating dtype, CPU.
/// Differentiable in both. float32 and float64 take one pass, and give the
/// same bits for any number of threads. Throws ShapeError unless the last dimension is D.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight_D, double eps);

}  // namespace heterodyne::ops
