// The kernels behind lstm_steps(): raw pointers, one step of some hidden units at a time.
//
// Letters: B sequences, S steps, H hidden width, G = 4 H, U units of a block.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

struct LstmKernel {
  int64_t B, S, H;
  int64_t block;  // hidden units of a task

  int64_t num_blocks() const { return (H + block - 1) / block; }
  int64_t width(int64_t u) const { return u + 1 < num_blocks() ? block : H - u * block; }
};
/// With blocks small enough for a few threads and large enough for a tile product.
LstmKernel lstm_kernel(int64_t B, int64_t S, int64_t H);

/// W of block u for the forward pass: four panels [H, U], one for each gate.
void pack_lstm(const LstmKernel& kernel, const float* matrix_GH, int64_t u, float* to);
/// W of block u for the backward pass: [G, U].
void pack_lstm_back(const LstmKernel& kernel, const float* matrix_GH, int64_t u, float* to);

struct LstmForward {
  const float* packed;     // pack_lstm() of each block, one after the other
  const float* hidden_BH;  // before the first step
  const float* cell_BH;
  float* gate_BSG;  // p_t; becomes what the gates let through: sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
  float* cell_BSH;
  float* y_BSH;
};
void lstm_forward(const LstmKernel& kernel, const LstmForward& call, int64_t t, int64_t u);

struct LstmBackward {
  const float* packed;  // pack_lstm_back() of each block
  const float* cell_BH;
  const float* gate_BSG;
  const float* cell_BSH;
  const float* dy_BSH;
  float* dhidden_BH;  // in: of the state after the last step. Otherwise a place to work in
  float* dcell_BH;    // in: the same. out: of the state before step t
  float* dpre_BSG;    // gradient of p_t
};
/// Step t, after step t + 1 of all units.
void lstm_backward(const LstmKernel& kernel, const LstmBackward& call, int64_t t, int64_t u);
/// After step 0 of all units: dhidden_BH becomes the gradient of the state before it.
void lstm_backward_start(const LstmKernel& kernel, const LstmBackward& call, int64_t u);

}  // namespace heterodyne::ops::internal
