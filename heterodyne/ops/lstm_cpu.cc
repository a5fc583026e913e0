#include "heterodyne/ops/lstm_cpu.h"

#include <algorithm>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kGates = 4;

struct ForwardRow {
  float* gate;  // of the first unit; those of the next kind of gate are H further
  int64_t H;
  const float* cell_before;
  float *cell, *y;
};

HETERODYNE_CLONES void forward_row(const ForwardRow& row, int64_t width) {
  float *input = row.gate, *forget = row.gate + row.H, *candidate = row.gate + 2 * row.H,
        *output = row.gate + 3 * row.H;
#pragma GCC ivdep
  for (int64_t j = 0; j < width; ++j) {
    input[j] = sigmoid(input[j]);
    forget[j] = sigmoid(forget[j]);
    candidate[j] = tanh_of(candidate[j]);
    output[j] = sigmoid(output[j]);
    const float cell = forget[j] * row.cell_before[j] + input[j] * candidate[j];
    row.cell[j] = cell;
    row.y[j] = output[j] * tanh_of(cell);
  }
}

struct BackwardRow {
  const float* gate;
  int64_t H;
  const float *cell_before, *cell, *dy, *dhidden;
  float *dcell, *dpre;
};

HETERODYNE_CLONES void backward_row(const BackwardRow& row, int64_t width) {
  const float *input = row.gate, *forget = row.gate + row.H, *candidate = row.gate + 2 * row.H,
              *output = row.gate + 3 * row.H;
  float *dinput = row.dpre, *dforget = row.dpre + row.H, *dcandidate = row.dpre + 2 * row.H,
        *doutput = row.dpre + 3 * row.H;
#pragma GCC ivdep
  for (int64_t j = 0; j < width; ++j) {
    const float dh = row.dy[j] + row.dhidden[j], tanh_cell = tanh_of(row.cell[j]);
    const float dc = row.dcell[j] + dh * output[j] * (1.0F - tanh_cell * tanh_cell);
    dinput[j] = dc * candidate[j] * input[j] * (1.0F - input[j]);
    dforget[j] = dc * row.cell_before[j] * forget[j] * (1.0F - forget[j]);
    dcandidate[j] = dc * input[j] * (1.0F - candidate[j] * candidate[j]);
    doutput[j] = dh * tanh_cell * output[j] * (1.0F - output[j]);
    row.dcell[j] = dc * forget[j];
  }
}

struct Sequences {
  int64_t begin, end;
};

void forward_step(const LstmKernel& kernel, const LstmForward& call, const Sequences& some, int64_t t, int64_t u) {
  const int64_t H = kernel.H, S = kernel.S, G = kGates * H, U = kernel.width(u), first = u * kernel.block;
  const int64_t stride = t == 0 ? H : S * H;
  const float* hidden = (t == 0 ? call.hidden_BH : call.y_BSH + (t - 1) * H) + some.begin * stride;
  for (int64_t gate = 0; gate < kGates; ++gate) {
    rows_gemm({some.end - some.begin, U, H, stride, U, S * G}, true, hidden, call.packed + first * G + gate * H * U,
              call.gate_BSG + (some.begin * S + t) * G + gate * H + first);
  }
  for (int64_t b = some.begin; b < some.end; ++b) {
    const int64_t at = (b * S + t) * H + first;
    const float* before = t == 0 ? call.cell_BH + b * H + first : call.cell_BSH + at - H;
    forward_row({call.gate_BSG + (b * S + t) * G + first, H, before, call.cell_BSH + at, call.y_BSH + at}, U);
  }
}

// dhidden of block u from the gates' gradients at step t.
void hidden_gradient(const LstmKernel& kernel, const LstmBackward& call, const Sequences& some, int64_t t, int64_t u) {
  const int64_t H = kernel.H, G = kGates * H, U = kernel.width(u);
  rows_gemm({some.end - some.begin, U, G, kernel.S * G, U, H}, false, call.dpre_BSG + (some.begin * kernel.S + t) * G,
            call.packed + u * kernel.block * G, call.dhidden_BH + some.begin * H + u * kernel.block);
}

void backward_step(const LstmKernel& kernel, const LstmBackward& call, const Sequences& some, int64_t t, int64_t u) {
  const int64_t H = kernel.H, S = kernel.S, G = kGates * H, U = kernel.width(u), first = u * kernel.block;
  for (int64_t b = some.begin; b < some.end; ++b) {
    const int64_t at = (b * S + t) * H + first, gate = (b * S + t) * G + first;
    const float* before = t == 0 ? call.cell_BH + b * H + first : call.cell_BSH + at - H;
    backward_row({call.gate_BSG + gate, H, before, call.cell_BSH + at, call.dy_BSH + at,
                  call.dhidden_BH + b * H + first, call.dcell_BH + b * H + first, call.dpre_BSG + gate},
                 U);
  }
}

}  // namespace

LstmKernel lstm_kernel(int64_t B, int64_t S, int64_t H) { return {B, S, H, 32}; }

void pack_lstm(const LstmKernel& kernel, const float* matrix_GH, int64_t u, float* to) {
  const int64_t H = kernel.H, U = kernel.width(u);
  for (int64_t gate = 0; gate < kGates; ++gate) {
    transpose({matrix_GH + (gate * H + u * kernel.block) * H, H, U, H}, to + gate * H * U, U);
  }
}

void pack_lstm_back(const LstmKernel& kernel, const float* matrix_GH, int64_t u, float* to) {
  const int64_t H = kernel.H, U = kernel.width(u);
  copy({matrix_GH + u * kernel.block, H, kGates * H, U}, to, U);
}

void lstm_forward(const LstmKernel& kernel, const LstmForward& call, int64_t begin, int64_t end) {
  for (int64_t t = 0; t < kernel.S; ++t) {
    for (int64_t u = 0; u < kernel.num_blocks(); ++u) forward_step(kernel, call, {begin, end}, t, u);
  }
}

void lstm_backward(const LstmKernel& kernel, const LstmBackward& call, int64_t begin, int64_t end) {
  for (int64_t t = kernel.S - 1; t >= 0; --t) {
    for (int64_t u = 0; u < kernel.num_blocks(); ++u) backward_step(kernel, call, {begin, end}, t, u);
    for (int64_t u = 0; u < kernel.num_blocks(); ++u) hidden_gradient(kernel, call, {begin, end}, t, u);
  }
}

}  // namespace heterodyne::ops::internal
