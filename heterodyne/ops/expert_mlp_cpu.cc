#include "heterodyne/ops/expert_mlp_cpu.h"

#include <algorithm>
#include <cstring>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

// The parts of a thread's memory.
struct Work {
  float* x;         // rows of a chunk, [n, D]
  float* rows;      // of a thin chunk before they are turned
  float* hidden;    // [n, F]
  float* panel;     // a packed panel of weights
  float* pre;       // [n, parts x W]
  float* dhidden;   // [n, W]
  float* flipped;   // [parts x W, R]
  float* rounded;   // left factors in bfloat16
  uint16_t* pairs;  // a right factor

  Work(const MlpKernel& expert, float* memory) {
    const auto take = [&](int64_t count) {
      float* part = memory ? memory + size : nullptr;
      size += (count + 15) / 16 * 16;  // whole cache lines
      return part;
    };
    x = take(kChunk * expert.D);
    rows = take(kPanel * expert.D);
    hidden = take(kChunk * expert.F);
    panel = take(kPanel * std::max({expert.D, expert.pre_width(), expert.O}));
    pre = take(kChunk * 2 * kPanel);
    dhidden = take(kChunk * kPanel);
    flipped = take(kChunk * 2 * kPanel);
    const int64_t widest = std::max({expert.D, expert.pre_width(), expert.O});
    rounded = expert.is_rounded() ? take(kChunk * std::max(rounded_size(Rounding::kBf16, widest), kPanel)) : nullptr;
    pairs = expert.is_rounded() ? reinterpret_cast<uint16_t*>(take(kPanel * rounded_size(Rounding::kBf16, widest)))
                                : nullptr;
  }

  int64_t size = 0;  // of all
};

// pre of panel p for the rows work.x, without biases.
void make_pre(const MlpKernel& expert, int64_t p, const Work& work, const HiddenPanel& panel) {
  float* pre = panel.pre;
  const int64_t rows = panel.rows;
  if (expert.is_gated()) {
    panel_gemm({expert.gate_FD, expert.gate_panels, expert.F, expert.D}, p, {work.x, rows, pre, panel.pre_stride},
               work.panel);
    pre += panel.width;
  }
  panel_gemm({expert.up_FD, expert.up_panels, expert.F, expert.D}, p, {work.x, rows, pre, panel.pre_stride},
             work.panel);
}

const float* panel_of(const float* vector, int64_t p) { return vector ? vector + p * kPanel : nullptr; }

HETERODYNE_CLONES void dot_rows(const float* rows, int64_t count, const float* vector, int64_t width, float* dots) {
  for (int64_t r = 0; r < count; ++r) dots[r] = dot(rows + r * width, vector, width);
}

// Panel q of the matrices behind pre as they lie, in the order in which pre lies: [pre_width, W].
void pack_back(const MlpKernel& expert, int64_t q, float* to) {
  const int64_t width = panel_width(expert.D, q);
  for (int64_t p = 0; p < num_panels(expert.F); ++p) {
    const int64_t rows = panel_width(expert.F, p), first = p * kPanel * expert.D + q * kPanel;
    float* part = to + expert.pre_at(p) * width;
    if (expert.is_gated()) {
      copy({expert.gate_FD + first, expert.D, rows, width}, part, width);
      part += rows * width;
    }
    copy({expert.up_FD + first, expert.D, rows, width}, part, width);
  }
}

// A chunk so small that packing a weight costs about as much as the product. Then weights are read as they lie.
bool is_thin(const MlpKernel& expert, const MlpChunk& chunk) {
  return chunk.rows <= kPanel && expert.up_panels == nullptr && !expert.is_rounded();
}

HiddenPanel hidden_panel(const MlpKernel& expert, int64_t p, int64_t rows) {
  return {expert.activation, expert.is_gated(), rows, panel_width(expert.F, p), nullptr, 0, nullptr, 0};
}

// Biases of the activated part and of what multiplies it.
const float* first_bias(const MlpKernel& expert) { return expert.is_gated() ? expert.gate_bias_F : expert.up_bias_F; }
const float* second_bias(const MlpKernel& expert) { return expert.is_gated() ? expert.up_bias_F : nullptr; }

}  // namespace

std::vector<MlpChunk> chunks_of(int64_t begin, int64_t end) {
  const int64_t rows = end - begin;
  if (rows <= 0) return {};
  const int64_t count = (rows + kChunk - 1) / kChunk;
  const int64_t size = count == 1 ? rows : round_to_8((rows + count - 1) / count);
  std::vector<MlpChunk> chunks;
  for (int64_t first = begin; first < end; first += size) chunks.push_back({first, std::min(size, end - first)});
  return chunks;
}

int64_t mlp_work_size(const MlpKernel& expert) { return Work(expert, nullptr).size; }

namespace {

// The transposed product of a thin chunk: pre^T = W x^T, h^T = activation(pre^T), y^T = W_down h^T, so that weights are
// the left factors. N rows become columns.
void thin_forward(const MlpKernel& expert, const MlpChunk& chunk, const MlpForward& call, const Work& work) {
  const int64_t n = chunk.rows, N = (n + 15) / 16 * 16, D = expert.D, F = expert.F, O = expert.O;
  gather_rows({call.x_TD, call.token_N + chunk.first, n, n, D}, work.rows);
  float* x_DN = work.x;
  transpose_padded({work.rows, D, n, D}, N, x_DN);
  for (int64_t p = 0; p < num_panels(F); ++p) {
    const int64_t W = panel_width(F, p), stride = expert.parts() * N, first = p * kPanel;
    const HiddenPanel panel{expert.activation, expert.is_gated(), W, N, work.pre, stride, work.hidden + first * N, N};
    float* up = expert.is_gated() ? work.pre + N : work.pre;
    if (expert.is_gated()) {
      tile_gemm({W, N, D, D, N, stride}, false, expert.gate_FD + first * D, x_DN, work.pre);
      if (expert.gate_bias_F) add_to_columns(expert.gate_bias_F + first, {work.pre, stride, W, N});
    }
    tile_gemm({W, N, D, D, N, stride}, false, expert.up_FD + first * D, x_DN, up);
    if (expert.up_bias_F) add_to_columns(expert.up_bias_F + first, {up, stride, W, N});
    activate_panel(panel, nullptr, nullptr);
    if (call.pre == nullptr) continue;
    float* kept = call.pre + expert.pre_at(p);
    for (int64_t part = 0; part < expert.parts(); ++part) {
      transpose({work.pre + part * N, stride, W, n}, kept + part * W, expert.pre_width());
    }
  }
  float* y = call.y_nO;
  for (int64_t q = 0; q < num_panels(O); ++q) {
    const int64_t W = panel_width(O, q);
    tile_gemm({W, N, F, F, N, N}, false, expert.down_OF + q * kPanel * F, work.hidden, work.flipped);
    transpose({work.flipped, N, W, n}, y + q * kPanel, O);
  }
  if (expert.down_bias_O) add_to_rows(expert.down_bias_O, {y, O, n, O});
}

}  // namespace

void mlp_forward(const MlpKernel& expert, const MlpChunk& chunk, const MlpForward& call, float* memory) {
  const Work work(expert, memory);
  if (is_thin(expert, chunk)) return thin_forward(expert, chunk, call, work);
  const int64_t n = chunk.rows, F = expert.F, O = expert.O;
  gather_rows({call.x_TD, call.token_N + chunk.first, n, n, expert.D}, work.x);
  for (int64_t p = 0; p < num_panels(F); ++p) {
    HiddenPanel panel = hidden_panel(expert, p, n);
    panel.pre = call.pre ? call.pre + expert.pre_at(p) : work.pre;
    panel.pre_stride = call.pre ? expert.pre_width() : expert.parts() * panel.width;
    panel.hidden = work.hidden + p * kPanel;
    panel.hidden_stride = F;
    make_pre(expert, p, work, panel);
    activate_panel(panel, panel_of(first_bias(expert), p), panel_of(second_bias(expert), p));
  }
  float* y = call.y_nO;
  for (int64_t q = 0; q < num_panels(O); ++q) {
    panel_gemm({expert.down_OF, expert.down_panels, O, F}, q, {work.hidden, n, y + q * kPanel, O}, work.panel);
  }
  if (expert.down_bias_O) add_to_rows(expert.down_bias_O, {y, O, n, O});
}

MlpHandover MlpHandover::of(const MlpKernel& expert, int64_t padded, float* memory) {
  MlpHandover parts;
  parts.dy = memory;
  parts.dpre = parts.dy + padded * expert.O;
  parts.hidden = parts.dpre + padded * expert.pre_width();
  parts.x = parts.hidden + padded * expert.F;
  return parts;
}

int64_t MlpHandover::size(const MlpKernel& expert, int64_t padded) {
  return padded * (expert.O + expert.pre_width() + expert.F + expert.D);
}

namespace {

// dx = dpre W for a thin chunk: the parts of pre one after the other.
void thin_dx(const MlpKernel& expert, int64_t rows, const float* dpre, float* dx) {
  const int64_t D = expert.D;
  for (int64_t p = 0; p < num_panels(expert.F); ++p) {
    const int64_t W = panel_width(expert.F, p), first = p * kPanel * D;
    const float* part = dpre + expert.pre_at(p);
    const TileShape shape{rows, D, W, expert.pre_width(), D, D};
    if (expert.is_gated()) {
      tile_gemm(shape, p > 0, part, expert.gate_FD + first, dx);
      part += W;
    }
    tile_gemm(shape, p > 0 || expert.is_gated(), part, expert.up_FD + first, dx);
  }
}

// Panel p of the same memory, in bfloat16.
uint16_t* pairs_at(float* panels, int64_t p, int64_t R) { return reinterpret_cast<uint16_t*>(panels) + p * kPanel * R; }

const uint16_t* left_factor(const Block& rows, const Work& work) {
  round_rows(Rounding::kBf16, rows, work.rounded);
  return reinterpret_cast<const uint16_t*>(work.rounded);
}

// c = a times the rows of `right`, [depth, W], the same number as a has columns.
void multiply_rounded(const uint16_t* a, int64_t n, const Block& right, const MutableBlock& c, const Work& work) {
  const int64_t depth = round_to_2(right.rows);
  round_to_pairs(right, right.columns, work.pairs);
  rows_gemm_bf16({n, right.columns, depth, depth, right.columns, c.stride}, false, a, work.pairs, c.first);
}

// x for the gradients of weights.
void hand_on_x(const MlpKernel& expert, const MlpChunk& chunk, const MlpBackward& call, const MlpHandover& handover,
               const Work& work) {
  const int64_t R = chunk.padded(), D = expert.D;
  const Gather gather{call.x_TD, call.token_N + chunk.first, chunk.rows, R, D};
  if (!expert.is_rounded()) return gather_panels(gather, handover.x);
  gather_rows(gather, work.x);
  for (int64_t q = 0; q < num_panels(D); ++q) {
    const int64_t W = panel_width(D, q);
    round_to_pairs({work.x + q * kPanel, D, R, W}, W, pairs_at(handover.x, q, R));
  }
}

// dx of all panels from dpre.
void rounded_dx(const MlpKernel& expert, int64_t n, const float* dpre, float* dx, const Work& work) {
  const int64_t P = expert.pre_width(), D = expert.D;
  const uint16_t* left = left_factor({dpre, P, n, P}, work);
  for (int64_t q = 0; q < num_panels(D); ++q) {
    const int64_t W = panel_width(D, q);
    pack_back(expert, q, work.panel);
    multiply_rounded(left, n, {work.panel, W, P, W}, {dx + q * kPanel, D, n, W}, work);
  }
}

}  // namespace

void mlp_backward(const MlpKernel& expert, const MlpChunk& chunk, const MlpBackward& call, const MlpHandover& handover,
                  float* memory) {
  const Work work(expert, memory);
  const int64_t n = chunk.rows, R = chunk.padded(), F = expert.F, O = expert.O, D = expert.D;
  const int64_t* token_n = call.token_N + chunk.first;
  float* dweight_n = call.dweight_N + chunk.first;
  gather_rows({call.dy_TO, token_n, n, n, O}, handover.dy);
  if (call.pre == nullptr) gather_rows({call.x_TD, token_n, n, n, D}, work.x);
  if (call.needs_weights) hand_on_x(expert, chunk, call, handover, work);
  const uint16_t* rounded_dy = expert.is_rounded() ? left_factor({handover.dy, O, n, O}, work) : nullptr;
  if (expert.down_bias_O) {
    dot_rows(handover.dy, n, expert.down_bias_O, O, dweight_n);
  } else {
    std::fill(dweight_n, dweight_n + n, 0.0F);
  }
  for (int64_t p = 0; p < num_panels(F); ++p) {
    HiddenPanel panel = hidden_panel(expert, p, n);
    const int64_t W = panel.width;
    panel.pre_stride = call.pre ? expert.pre_width() : expert.parts() * W;
    panel.pre = call.pre ? const_cast<float*>(call.pre) + expert.pre_at(p) : work.pre;  // only read
    panel.hidden = expert.is_rounded() ? work.flipped : handover.hidden + p * kPanel * R;
    panel.hidden_stride = W;
    if (call.pre == nullptr) {
      make_pre(expert, p, work, panel);
      activate_panel(panel, panel_of(first_bias(expert), p), panel_of(second_bias(expert), p));
    }
    if (is_thin(expert, chunk)) {
      tile_gemm({n, W, O, O, F, W}, false, handover.dy, expert.down_OF + p * kPanel, work.dhidden);
    } else if (expert.is_rounded()) {
      multiply_rounded(rounded_dy, n, {expert.down_OF + p * kPanel, F, O, W}, {work.dhidden, W, n, W}, work);
    } else {
      pack_columns(expert.down_OF, O, F, p, work.panel, W);
      rows_gemm({n, W, O, O, W, W}, false, handover.dy, work.panel, work.dhidden);
    }
    activate_panel_backward(panel, {call.weight_N + chunk.first, work.dhidden, W, handover.dpre + expert.pre_at(p),
                                    expert.pre_width(), dweight_n});
    std::memset(panel.hidden + n * W, 0, static_cast<size_t>((R - n) * W) * sizeof(float));
    if (expert.is_rounded()) round_to_pairs({panel.hidden, W, R, W}, W, pairs_at(handover.hidden, p, R));
  }
  if (call.dx_nD == nullptr) return;
  if (expert.is_rounded()) return rounded_dx(expert, n, handover.dpre, call.dx_nD, work);
  if (is_thin(expert, chunk)) return thin_dx(expert, n, handover.dpre, call.dx_nD);
  for (int64_t q = 0; q < num_panels(D); ++q) {
    const int64_t W = panel_width(D, q);
    pack_back(expert, q, work.panel);
    rows_gemm({n, W, expert.pre_width(), expert.pre_width(), W, D}, false, handover.dpre, work.panel,
              call.dx_nD + q * kPanel);
  }
}

void mlp_up_gradient(const MlpKernel& expert, const MlpGradientCall& call, int64_t p, const MlpGradients& gradients,
                     float* memory) {
  const Work work(expert, memory);
  const int64_t n = call.chunk.rows, R = call.chunk.padded(), D = expert.D, W = panel_width(expert.F, p);
  const int64_t stride = expert.pre_width();
  const float* dpre = call.handover.dpre + expert.pre_at(p);
  float* const first = expert.is_gated() ? gradients.gate_FD : gradients.up_FD;
  float* const second = expert.is_gated() ? gradients.up_FD : nullptr;
  transpose_padded({dpre, stride, n, expert.parts() * W}, R, work.flipped);
  const uint16_t* rounded = expert.is_rounded() ? left_factor({work.flipped, R, expert.parts() * W, R}, work) : nullptr;
  for (int64_t q = 0; q < num_panels(D); ++q) {
    const TileShape shape{W, panel_width(D, q), R, R, panel_width(D, q), D};
    const int64_t at = p * kPanel * D + q * kPanel;
    const auto multiply = [&](int64_t part, float* to) {
      if (rounded)
        return tile_gemm_bf16(shape, !call.is_first, rounded + part * W * R, pairs_at(call.handover.x, q, R), to);
      tile_gemm(shape, !call.is_first, work.flipped + part * W * R, call.handover.x + q * kPanel * R, to);
    };
    if (first) multiply(0, first + at);
    if (second) multiply(1, second + at);
  }
  float* const first_sum = expert.is_gated() ? gradients.gate_bias_F : gradients.up_bias_F;
  float* const second_sum = expert.is_gated() ? gradients.up_bias_F : nullptr;
  if (first_sum) sum_rows({dpre, stride, n, W}, nullptr, !call.is_first, first_sum + p * kPanel);
  if (second_sum) sum_rows({dpre + W, stride, n, W}, nullptr, !call.is_first, second_sum + p * kPanel);
}

void mlp_down_gradient(const MlpKernel& expert, const MlpGradientCall& call, int64_t q, const MlpGradients& gradients,
                       float* memory) {
  const Work work(expert, memory);
  const int64_t n = call.chunk.rows, R = call.chunk.padded(), F = expert.F, W = panel_width(expert.O, q);
  const Block dy{call.handover.dy + q * kPanel, expert.O, n, W};
  if (gradients.down_OF) {
    transpose_padded(dy, R, work.flipped);
    const uint16_t* rounded = expert.is_rounded() ? left_factor({work.flipped, R, W, R}, work) : nullptr;
    for (int64_t p = 0; p < num_panels(F); ++p) {
      const int64_t columns = panel_width(F, p);
      const TileShape shape{W, columns, R, R, columns, F};
      float* to = gradients.down_OF + q * kPanel * F + p * kPanel;
      if (rounded) tile_gemm_bf16(shape, !call.is_first, rounded, pairs_at(call.handover.hidden, p, R), to);
      else tile_gemm(shape, !call.is_first, work.flipped, call.handover.hidden + p * kPanel * R, to);
    }
  }
  if (gradients.down_bias_O) {
    sum_rows(dy, call.weight_N + call.chunk.first, !call.is_first, gradients.down_bias_O + q * kPanel);
  }
}

}  // namespace heterodyne::ops::internal
