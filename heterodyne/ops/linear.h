// Linear: y = x W^T + b on tile products, for rows of activations and a weight matrix.
//
// Letters: N rows, I inputs, O outputs.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// Whether linear_product() takes these here and is worth its preparations: float32 on a CPU, a kernel path in use
/// (isa.h), and enough rows. It does not look at whether gradients are recorded: a pass that is repeated for its
/// gradients takes the same way.
bool can_run_linear(const torch::Tensor& x_NI, const torch::Tensor& matrix_OI);

/// [N, O]. bias_O may be undefined; `panels` are pack_panels() of matrix_OI, or undefined: then they are packed first.
/// Gradients of x_NI, matrix_OI and bias_O, of those that require one; second derivatives throw Error.
/// The same bits for any number of threads; a row's answer does not depend on the rows beside it.
/// Throws ShapeError unless x_NI is [N, I] and the bias [O].
torch::Tensor linear_product(const torch::Tensor& x_NI, const torch::Tensor& matrix_OI,
                             const torch::Tensor& bias_O = {}, const torch::Tensor& panels = {});

/// dy_NO times matrix_OI, [N, I]: the gradient of the rows that were multiplied. float32 on a CPU, any sizes; without
/// gradients of its own. The same bits for any number of threads.
torch::Tensor row_gradient(const torch::Tensor& dy_NO, const torch::Tensor& matrix_OI);

/// dy_NO^T x_NI, [O, I]: the gradient of a matrix by which rows were multiplied. float32 on a CPU.
torch::Tensor matrix_gradient(const torch::Tensor& dy_NO, const torch::Tensor& x_NI);

}  // namespace heterodyne::ops
