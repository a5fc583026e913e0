#include "heterodyne/ops/rows/streamed_gemm_cpu.h"

#include <algorithm>

#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels_cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
#if !defined(__clang__)
// Falsely reported inside the intrinsics: GCC bug 105593.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#define HETERODYNE_STREAMS 1
#endif

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kBlockRows = 64;

#if defined(HETERODYNE_STREAMS)

constexpr int kLanes = 16, kVectors = kPanel / kLanes;
constexpr int64_t kGroup = 6;  // rows whose sums fit into registers beside a row of the panel

// Some rows and some of the depth.
struct Part {
  const float *a, *b;
  float* c;
  int64_t stride_a, stride_c, depth;
  bool goes_on;        // c holds the sums so far
  const float* ahead;  // a cache line is asked for at each step of the depth; null: none
};

template <int R>
__attribute__((target("avx512f"))) void multiply(const Part& part) {
  __m512 sum[R][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = part.goes_on ? _mm512_loadu_ps(part.c + r * part.stride_c + v * kLanes) : _mm512_setzero_ps();
    }
  }
  const float *b = part.b, *ahead = part.ahead;
  for (int64_t k = 0; k < part.depth; ++k, b += kPanel) {
    if (part.ahead != nullptr) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
      ahead += kLanes;
    }
    __m512 weight[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) weight[v] = _mm512_loadu_ps(b + v * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m512 value = _mm512_set1_ps(part.a[r * part.stride_a + k]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_fmadd_ps(value, weight[v], sum[r][v]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(part.c + r * part.stride_c + v * kLanes, sum[r][v]);
  }
}

using Multiply = void (*)(const Part&);
constexpr Multiply kMultiply[kGroup] = {multiply<1>, multiply<2>, multiply<3>, multiply<4>, multiply<5>, multiply<6>};

// At most kBlockRows rows, in groups of equal size but for one.
void multiply_block(const TileShape& shape, const float* a, const float* b, float* c) {
  const int64_t groups = (shape.rows + kGroup - 1) / kGroup;
  // With fewer groups than vectors to a row of the panel, asking ahead costs more than it brings.
  const bool asks = groups >= kVectors;
  const int64_t step = asks ? 128 : 256;
  for (int64_t k = 0; k < shape.depth; k += step) {
    const int64_t depth = std::min(step, shape.depth - k);
    const float* next = b + (k + depth) * kPanel;
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t begin = shape.rows * g / groups, end = shape.rows * (g + 1) / groups;
      const float* ahead = asks && g < kVectors ? next + g * depth * kLanes : nullptr;
      kMultiply[end - begin - 1]({a + begin * shape.stride_a + k, b + k * kPanel, c + begin * shape.stride_c,
                                  shape.stride_a, shape.stride_c, depth, k > 0, ahead});
    }
  }
}

// Tile products add what they computed as a whole to what was there.
void add_block(const TileShape& shape, const float* a, const float* b, float* c) {
  float product[kBlockRows * kPanel];
  TileShape own = shape;
  own.stride_c = kPanel;
  multiply_block(own, a, b, product);
  for (int64_t r = 0; r < shape.rows; ++r) {
    for (int64_t j = 0; j < kPanel; ++j) c[r * shape.stride_c + j] += product[r * kPanel + j];
  }
}

#endif

}  // namespace

void streamed_gemm(const TileShape& shape, bool add, const float* a, const float* b, float* c) {
  for (int64_t row = 0; row < shape.rows; row += kBlockRows) {
    TileShape block = shape;
    block.rows = std::min(kBlockRows, shape.rows - row);
    const float* rows_a = a + row * shape.stride_a;
    float* rows_c = c + row * shape.stride_c;
#if defined(HETERODYNE_STREAMS)
    if (isa() == Isa::kAvx512 && shape.depth > 0) {
      if (add) add_block(block, rows_a, b, rows_c);
      else multiply_block(block, rows_a, b, rows_c);
      continue;
    }
#endif
    tile_gemm(block, add, rows_a, b, rows_c);
  }
}

}  // namespace heterodyne::ops::internal
