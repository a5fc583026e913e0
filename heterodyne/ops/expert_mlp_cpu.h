// The kernels behind expert_mlps(): raw pointers, one chunk of one expert's rows at a time.
//
// An expert's rows are cut into chunks of about equal size, whatever the number of threads, so that sums over rows have
// one order. Hidden values "pre" of a chunk lie as panels one after the other in each row: for panel p of W columns
// those of the activated part, then in a gated expert those that multiply them.
//
// Letters: D width, O output width, F hidden width, n rows of a chunk, R those rounded up to 8.
#pragma once

#include <cstdint>
#include <vector>

#include "heterodyne/ops/activation.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops {
struct CompactMatrix;  // compact/compact_matrix.h
}

namespace heterodyne::ops::internal {

/// One expert: row-major matrices, null where there is none.
struct MlpKernel {
  Activation activation = Activation::kGelu;
  int64_t D = 0, O = 0, F = 0;
  const float *up_FD = nullptr, *gate_FD = nullptr, *down_OF = nullptr;
  const float *up_bias_F = nullptr, *gate_bias_F = nullptr, *down_bias_O = nullptr;
  /// pack_panels() of the matrices, or null: packed where they are used.
  const float *up_panels = nullptr, *gate_panels = nullptr, *down_panels = nullptr;
  /// In the place of the matrices; for run_phases(). For mlp_backward() they say that the matrices are what these were
  /// rounded from, and that all factors of its products are rounded to bfloat16.
  const CompactMatrix *up_compact = nullptr, *gate_compact = nullptr, *down_compact = nullptr;

  bool is_gated() const { return gate_FD != nullptr; }
  bool is_rounded() const { return up_compact != nullptr; }
  int64_t parts() const { return is_gated() ? 2 : 1; }
  int64_t pre_width() const { return parts() * F; }
  /// Where hidden panel p of a row of pre begins.
  int64_t pre_at(int64_t p) const { return p * kPanel * parts(); }
  int64_t num_weights() const { return pre_width() * D + O * F; }
};

/// Some rows of one expert.
struct MlpChunk {
  int64_t first = 0;  // pair
  int64_t rows = 0;   // n
  int64_t padded() const { return round_to_8(rows); }
};
/// Of the pairs [begin, end). Chunks of more than one have a multiple of 8 rows but for the last.
std::vector<MlpChunk> chunks_of(int64_t begin, int64_t end);

constexpr int64_t kChunk = 256;  // rows at most

/// Floats of the memory that one thread works in, for either pass.
int64_t mlp_work_size(const MlpKernel& expert);

struct MlpForward {
  const float* x_TD;
  const int64_t* token_N;
  float* pre;   // of the chunk, [n, pre_width], or null: not kept
  float* y_nO;  // its answers, without their weights
};
void mlp_forward(const MlpKernel& expert, const MlpChunk& chunk, const MlpForward& call, float* work);

/// What the parts of a chunk's backward pass hand on.
struct MlpHandover {
  float* dy;      // [n, O]
  float* dpre;    // [n, pre_width]
  float* hidden;  // weight x h as panels of [R, W]; in bfloat16 as panels of [R / 2, W, 2]
  float* x;       // panels like those

  /// Cuts `memory` into the parts, for chunks of `padded` rows at most.
  static MlpHandover of(const MlpKernel& expert, int64_t padded, float* memory);
  static int64_t size(const MlpKernel& expert, int64_t padded);
};

struct MlpBackward {
  const float* x_TD;
  const float* dy_TO;
  const int64_t* token_N;
  const float* weight_N;
  const float* pre;    // of the chunk; null: computed again
  float* dx_nD;        // of the chunk; null when nobody asks
  float* dweight_N;    // of all pairs
  bool needs_weights;  // whether gradients of parameters are wanted: fills hidden and x
};
/// Everything of a chunk but the gradients of parameters.
void mlp_backward(const MlpKernel& expert, const MlpChunk& chunk, const MlpBackward& call, const MlpHandover& handover,
                  float* work);

/// Gradients of one expert's parameters, row-major like them; null where nobody asks.
struct MlpGradients {
  float *up_FD = nullptr, *gate_FD = nullptr, *down_OF = nullptr;
  float *up_bias_F = nullptr, *gate_bias_F = nullptr, *down_bias_O = nullptr;
};
struct MlpGradientCall {
  MlpChunk chunk;
  const MlpHandover& handover;
  const float* weight_N;  // of all pairs
  bool is_first;          // chunk of the expert: overwrites; otherwise adds
};
/// Those of hidden panel p, from one chunk.
void mlp_up_gradient(const MlpKernel& expert, const MlpGradientCall& call, int64_t p, const MlpGradients& gradients,
                     float* work);
/// Those of output panel q.
void mlp_down_gradient(const MlpKernel& expert, const MlpGradientCall& call, int64_t q, const MlpGradients& gradients,
                       float* work);

}  // namespace heterodyne::ops::internal
