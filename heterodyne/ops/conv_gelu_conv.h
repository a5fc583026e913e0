// Convolution, GELU, convolution over the features of each row, in one pass: the rows of DMMoE's convolutional expert.
//
// A row of D features is a signal with one channel. The first convolution makes C channels, GELU (the exact form)
// follows, the second makes one channel again; both have an odd kernel of K features and are padded with zeros to
// length D. What lies between is never written to memory, and the backward pass computes it again.
//
// Letters: N rows, D features, C channels, K kernel.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

struct ConvGeluConvWeights {
  torch::Tensor widen_CK;
  torch::Tensor widen_bias_C;
  torch::Tensor narrow_CK;
  torch::Tensor narrow_bias;  // [1]
};

/// [N, D] to [N, D], float32 or float64, CPU. Convolutions are correlations, as the frameworks have them:
/// y[d] = b' + sum_c sum_k w'[c, k] gelu(b[c] + sum_j w[c, j] x[d + k + j - 2 (K / 2)]).
/// float32 follows erf by a formula with an absolute error of 1.5e-7.
/// Gradients for x and all weights. The same bits for any number of threads and any instruction set.
/// Throws ShapeError when a weight does not fit or K is even.
torch::Tensor conv_gelu_conv(const torch::Tensor& x_ND, const ConvGeluConvWeights& weights);

}  // namespace heterodyne::ops
