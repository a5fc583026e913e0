// LSTM over sequences on tile products (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
//   i, f, g, o = p_t + h W^T;  c' = sigmoid(f) c + sigmoid(i) tanh(g);  h' = sigmoid(o) tanh(c')
// where p_t is what the inputs contribute, biases included: one product for all steps, which linear.h makes.
//
// Letters: B sequences, S steps, H hidden width, G = 4 H.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// Whether lstm_steps() takes these here and is worth its preparations.
bool can_run_lstm(const torch::Tensor& x_BSI, int64_t hidden);

struct LstmSteps {
  torch::Tensor y_BSH;
  torch::Tensor hidden_BH, cell_BH;  // after the last step
};

/// From the state hidden_BH, cell_BH. pre_BSG holds p_t, and matrix_GH is W; the gates stand in the order i, f, g, o.
/// All float32 on a CPU. Gradients of every argument that requires one; second derivatives throw Error.
/// The same bits for any number of threads. Throws ShapeError when the sizes do not fit.
LstmSteps lstm_steps(const torch::Tensor& pre_BSG, const torch::Tensor& hidden_BH, const torch::Tensor& cell_BH,
                     const torch::Tensor& matrix_GH);

}  // namespace heterodyne::ops
