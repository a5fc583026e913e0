// Cross-entropy of rows of logits over many classes: one pass forward that keeps a number for each row, and one back;
// LibTorch's writes the logarithms of all probabilities between the two.
//
// Letters: N rows, Y classes.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// loss_N = log(sum over y of exp(logit_Ny)) - logit_N at its label, in nats; logit_NY float32 or float64 on a CPU,
/// label_N int64. Differentiable in the logits, once. The same bits for any number of threads; NaN comes out as NaN.
/// Throws ShapeError unless the sizes agree and every label is one of 0 .. Y - 1.
torch::Tensor cross_entropy_of_rows(const torch::Tensor& logit_NY, const torch::Tensor& label_N);

}  // namespace heterodyne::ops
