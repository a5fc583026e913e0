// The kernels behind lstm_steps(): raw pointers, all steps of some sequences at a time. Sequences do not depend on each
// other, so threads that take some of them need not wait for each other at every step.
//
// Letters: B sequences, S steps, H hidden width, G = 4 H, U hidden units of a block.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

struct LstmKernel {
  int64_t B, S, H;
  int64_t block;  // hidden units of a tile product

  int64_t num_blocks() const { return (H + block - 1) / block; }
  int64_t width(int64_t u) const { return u + 1 < num_blocks() ? block : H - u * block; }
};
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
/// All steps of the sequences [begin, end).
void lstm_forward(const LstmKernel& kernel, const LstmForward& call, int64_t begin, int64_t end);

struct LstmBackward {
  const float* packed;  // pack_lstm_back() of each block
  const float* cell_BH;
  const float* gate_BSG;
  const float* cell_BSH;
  const float* dy_BSH;
  float* dhidden_BH;  // in: of the state after the last step; out: of the state before the first
  float* dcell_BH;    // the same
  float* dpre_BSG;    // gradient of p_t
};
void lstm_backward(const LstmKernel& kernel, const LstmBackward& call, int64_t begin, int64_t end);

}  // namespace heterodyne::ops::internal
