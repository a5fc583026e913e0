#include "heterodyne/ops/row_attention_cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

// C(i, j) = the sum over k of A(i, k) B(k, j), or C(i, j) and that, in order of k.
template <class Scalar>
struct Product {
  int64_t rows, columns, depth;
  const Scalar* a;
  int64_t row_a, step_a;  // from one i, and from one k, to the next
  const Scalar* b;
  int64_t row_b;
  Scalar* c;
  int64_t row_c;
  bool adds = false;
};

// R rows and W columns, whose sums stay in registers. Fused: a product is not rounded before it is added.
template <bool kFused, int R, int W, class Scalar>
HETERODYNE_INLINE void multiply_tile(const Product<Scalar>& p, int64_t i, int64_t j) {
  Scalar sum[R][W];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma omp simd
    for (int w = 0; w < W; ++w) sum[r][w] = p.adds ? p.c[(i + r) * p.row_c + j + w] : Scalar(0);
  }
  const Scalar *a = p.a + i * p.row_a, *b = p.b + j;
  for (int64_t k = 0; k < p.depth; ++k, a += p.step_a, b += p.row_b) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Scalar value = a[r * p.row_a];
#pragma omp simd
      for (int w = 0; w < W; ++w) {
        if constexpr (kFused) sum[r][w] = __builtin_fmaf(value, b[w], sum[r][w]);
        else sum[r][w] += value * b[w];
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma omp simd
    for (int w = 0; w < W; ++w) p.c[(i + r) * p.row_c + j + w] = sum[r][w];
  }
}

template <bool kFused, int R, class Scalar>
HETERODYNE_INLINE void multiply_rows(const Product<Scalar>& p, int64_t i) {
  int64_t j = 0;
  for (; j + 16 <= p.columns; j += 16) multiply_tile<kFused, R, 16>(p, i, j);
  if (j + 8 <= p.columns) multiply_tile<kFused, R, 8>(p, i, j), j += 8;
  if (j + 4 <= p.columns) multiply_tile<kFused, R, 4>(p, i, j), j += 4;
  for (; j < p.columns; ++j) multiply_tile<kFused, R, 1>(p, i, j);
}

template <bool kFused, class Scalar>
HETERODYNE_INLINE void multiply_all(const Product<Scalar>& p) {
  int64_t i = 0;
  for (; i + 4 <= p.rows; i += 4) multiply_rows<kFused, 4>(p, i);
  for (; i < p.rows; ++i) multiply_rows<kFused, 1>(p, i);
}

// Softmax of score over the keys that the mask leaves; all zeros when it leaves none.
template <class Scalar>
HETERODYNE_INLINE void softmax_of(Scalar* score, const bool* mask, int64_t length) {
  if (mask) {
    constexpr Scalar kNever = -std::numeric_limits<Scalar>::infinity();
    for (int64_t s = 0; s < length; ++s) score[s] = mask[s] ? score[s] : kNever;
  }
  const Scalar largest = largest_of(score, length);
  for (int64_t s = 0; s < length; ++s) score[s] = exp_below(score[s] - largest);
  if (mask) {
    for (int64_t s = 0; s < length; ++s) score[s] = mask[s] ? score[s] : Scalar(0);
  }
  const Scalar sum = sum_of(score, length);
  // Not `sum > 0`: a NaN must stay a NaN.
  const Scalar factor = sum == 0 ? Scalar(0) : 1 / sum;
  for (int64_t s = 0; s < length; ++s) score[s] *= factor;
}

// What the softmax makes of its weights' gradients, in their place: of a score before it is scaled.
template <class Scalar>
HETERODYNE_INLINE void softmax_gradient(const Scalar* weight, Scalar* gradient, Scalar scale, int64_t length) {
  const Scalar sum = dot(weight, gradient, length);
  for (int64_t s = 0; s < length; ++s) gradient[s] = scale * weight[s] * (gradient[s] - sum);
}

#if defined(HETERODYNE_INTRINSICS)
__attribute__((target("avx2,fma"))) void multiply_256(const Product<float>& p) { multiply_all<true>(p); }

constexpr int64_t kRows = 6;

// R rows and up to 16 V columns, whose sums stay in registers: the bits of multiply_tile.
template <int R, int V>
__attribute__((target("avx512f"))) void multiply_wide(const Product<float>& p, int64_t i, int64_t j) {
  __m512 sum[R][V];
  __mmask16 mask[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int64_t left = p.columns - j - v * kLanes;
    mask[v] = static_cast<__mmask16>(left >= kLanes ? 0xFFFF : left > 0 ? (1 << left) - 1 : 0);
  }
  float* c = p.c + i * p.row_c + j;
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      sum[r][v] = p.adds ? _mm512_maskz_loadu_ps(mask[v], c + r * p.row_c + v * kLanes) : _mm512_setzero_ps();
    }
  }
  const float *a = p.a + i * p.row_a, *b = p.b + j;
  for (int64_t k = 0; k < p.depth; ++k, a += p.step_a, b += p.row_b) {
    __m512 factor[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) factor[v] = _mm512_maskz_loadu_ps(mask[v], b + v * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m512 value = _mm512_set1_ps(a[r * p.row_a]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] = _mm512_fmadd_ps(value, factor[v], sum[r][v]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) _mm512_mask_storeu_ps(c + r * p.row_c + v * kLanes, mask[v], sum[r][v]);
  }
}

// Rows in groups of nearly equal size; a single one takes more columns at once, so that sums need not wait for each
// other.
void multiply_512(const Product<float>& p) {
  using Tile = void (*)(const Product<float>&, int64_t, int64_t);
  static constexpr Tile kOne[kRows] = {multiply_wide<1, 1>, multiply_wide<2, 1>, multiply_wide<3, 1>,
                                       multiply_wide<4, 1>, multiply_wide<5, 1>, multiply_wide<6, 1>};
  static constexpr Tile kTwo[kRows] = {multiply_wide<1, 2>, multiply_wide<2, 2>, multiply_wide<3, 2>,
                                       multiply_wide<4, 2>, multiply_wide<5, 2>, multiply_wide<6, 2>};
  const int64_t groups = (p.rows + kRows - 1) / kRows;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t i = p.rows * g / groups, rows = p.rows * (g + 1) / groups - i;
    int64_t j = 0;
    for (; rows == 1 && j + 2 * kLanes < p.columns; j += 4 * kLanes) multiply_wide<1, 4>(p, i, j);
    for (; j + kLanes < p.columns; j += 2 * kLanes) kTwo[rows - 1](p, i, j);
    if (j < p.columns) kOne[rows - 1](p, i, j);
  }
}
#else
void multiply_256(const Product<float>& p) { multiply_all<false>(p); }
void multiply_512(const Product<float>& p) { multiply_all<false>(p); }
#endif
HETERODYNE_CLONES void multiply_unfused(const Product<float>& p) { multiply_all<false>(p); }
void multiply(const Product<float>& p) {
  if (isa() == Isa::kAvx512) return multiply_512(p);
  return isa() == Isa::kAvx2 ? multiply_256(p) : multiply_unfused(p);
}
HETERODYNE_CLONES void softmax(float* score, const bool* mask, int64_t length) { softmax_of(score, mask, length); }
HETERODYNE_CLONES void unsoftmax(const float* weight, float* gradient, float scale, int64_t length) {
  softmax_gradient(weight, gradient, scale, length);
}
void multiply(const Product<double>& p) { multiply_all<false>(p); }
void softmax(double* score, const bool* mask, int64_t length) { softmax_of(score, mask, length); }
void unsoftmax(const double* weight, double* gradient, double scale, int64_t length) {
  softmax_gradient(weight, gradient, scale, length);
}

// x_SC, whose rows are `stride` apart, the other way round.
template <class Scalar>
void transpose(const Scalar* x_SC, int64_t stride, int64_t S, int64_t C, Scalar* x_CS) {
  for (int64_t s = 0; s < S; ++s) {
    for (int64_t c = 0; c < C; ++c) x_CS[c * S + s] = x_SC[s * stride + c];
  }
}

// Rows that see the same keys: all, or in a causal sequence a single one.
template <class Scalar, class Work>
void for_rows_alike(const AttentionSequence<Scalar>& in, const Work& work) {
  if (!in.num_keys) return work(0, in.num_rows, in.length);
  for (int64_t row = 0; row < in.num_rows; ++row) work(row, 1, in.num_keys[row]);
}

}  // namespace

template <class Scalar>
void AttentionKernels<Scalar>::forward(const AttentionSequence<Scalar>& in, Scalar* o, Scalar* scratch) {
  const int64_t C = in.width / in.num_heads, S = in.length, stride = in.num_heads * S;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(C));
  Scalar *key_CS = scratch, *kept_RS = scratch + C * S;
  for (int64_t h = 0; h < in.num_heads; ++h) {
    transpose(in.k + h * C, in.key_stride, S, C, key_CS);
    for_rows_alike(in, [&](int64_t first, int64_t rows, int64_t keys) {
      const int64_t at = first * in.width + h * C, at_weight = first * stride + h * S;
      Scalar* weights = in.weights + at_weight;
      multiply({rows, keys, C, in.q + at, in.width, 1, key_CS, S, weights, stride});
      for (int64_t r = 0; r < rows; ++r) {
        Scalar* weight = weights + r * stride;
        for (int64_t s = 0; s < keys; ++s) weight[s] *= scale;
        softmax(weight, in.mask, keys);
        std::fill(weight + keys, weight + S, Scalar(0));
        if (!in.keep) continue;
        for (int64_t s = 0; s < keys; ++s) kept_RS[r * S + s] = weight[s] * in.keep[at_weight + r * stride + s];
      }
      const Scalar* used = in.keep ? kept_RS : weights;
      multiply({rows, C, keys, used, in.keep ? S : stride, 1, in.v + h * C, in.key_stride, o + at, in.width});
    });
  }
}

template <class Scalar>
void AttentionKernels<Scalar>::backward(const AttentionSequence<Scalar>& in, const Scalar* d_o, Scalar* dq, Scalar* dk,
                                        Scalar* dv, Scalar* scratch) {
  const int64_t C = in.width / in.num_heads, S = in.length, R = in.num_rows, stride = in.num_heads * S;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(C));
  Scalar *value_CS = scratch, *kept_RS = scratch + C * S, *gradient_RS = kept_RS + R * S;
  for (int64_t h = 0; h < in.num_heads; ++h) {
    const int64_t at = h * C;
    const Scalar* weights = in.weights + h * S;
    const Scalar* keep = in.keep ? in.keep + h * S : nullptr;
    transpose(in.v + at, in.key_stride, S, C, value_CS);
    multiply({R, S, C, d_o + at, in.width, 1, value_CS, S, gradient_RS, S});
    for (int64_t r = 0; r < R; ++r) {
      const Scalar* weight = weights + r * stride;
      Scalar* gradient = gradient_RS + r * S;
      for (int64_t s = 0; s < S; ++s) {
        const Scalar factor = keep ? keep[r * stride + s] : Scalar(1);
        kept_RS[r * S + s] = weight[s] * factor;
        gradient[s] *= factor;
      }
      if (in.num_keys) std::fill(gradient + in.num_keys[r], gradient + S, Scalar(0));  // whatever later tokens hold
      unsoftmax(weight, gradient, scale, S);
    }
    multiply({S, C, R, kept_RS, 1, S, d_o + at, in.width, dv + at, in.key_stride, true});
    multiply({R, C, S, gradient_RS, S, 1, in.k + at, in.key_stride, dq + at, in.width});
    multiply({S, C, R, gradient_RS, 1, S, in.q + at, in.width, dk + at, in.key_stride, true});
  }
}

template struct AttentionKernels<float>;
template struct AttentionKernels<double>;

}  // namespace heterodyne::ops::internal
