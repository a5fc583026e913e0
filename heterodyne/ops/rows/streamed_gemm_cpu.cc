#include "heterodyne/ops/rows/streamed_gemm_cpu.h"

#include <algorithm>

#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kBlockRows = 64;

#if defined(HETERODYNE_INTRINSICS)

constexpr int64_t kLine = 16;               // floats of a cache line
constexpr int64_t kLines = kPanel / kLine;  // of a row of a panel

// Some rows, some of the depth and some columns.
struct Part {
  const float *a, *b;
  float* c;
  int64_t stride_a, stride_c, depth;
  bool goes_on;        // c holds the sums so far
  const float* ahead;  // what is asked for at each step of the depth, `lines` cache lines; null: nothing
  int64_t lines;       // one or two
};
using Multiply = void (*)(const Part&);

// R rows and a whole panel's columns.
template <int R>
__attribute__((target("avx512f"))) void multiply_512(const Part& part) {
  constexpr int kLanes = 16, kVectors = kPanel / kLanes;
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
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      _mm_prefetch(reinterpret_cast<const char*>(ahead + (part.lines - 1) * kLine), _MM_HINT_T1);
      ahead += part.lines * kLine;
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

// R rows and 8 V columns.
template <int R, int V>
__attribute__((target("avx2,fma"))) void multiply_256(const Part& part) {
  constexpr int kLanes = 8;
  __m256 sum[R][V];
#pragma GCC unroll 3
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      sum[r][v] = part.goes_on ? _mm256_loadu_ps(part.c + r * part.stride_c + v * kLanes) : _mm256_setzero_ps();
    }
  }
  const float *b = part.b, *ahead = part.ahead;
  for (int64_t k = 0; k < part.depth; ++k, b += kPanel) {
    if (part.ahead != nullptr) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      _mm_prefetch(reinterpret_cast<const char*>(ahead + (part.lines - 1) * kLine), _MM_HINT_T1);
      ahead += part.lines * kLine;
    }
    __m256 value[R];
#pragma GCC unroll 3
    for (int r = 0; r < R; ++r) value[r] = _mm256_broadcast_ss(part.a + r * part.stride_a + k);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const __m256 weight = _mm256_loadu_ps(b + v * kLanes);
#pragma GCC unroll 3
      for (int r = 0; r < R; ++r) sum[r][v] = _mm256_fmadd_ps(value[r], weight, sum[r][v]);
    }
  }
#pragma GCC unroll 3
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) _mm256_storeu_ps(part.c + r * part.stride_c + v * kLanes, sum[r][v]);
  }
}

// How one width of registers goes through a block: rows in groups whose sums fit into registers, for each of them the
// columns in some parts.
struct Path {
  const Multiply* multiply;  // by the number of rows, less one
  int64_t group;             // rows at most
  int64_t parts;             // a single row takes all columns at once
  int64_t most;              // rows; tile products are faster for more
  int64_t depth;             // of a block
};

Path path() {
  static constexpr Multiply kWide[] = {multiply_512<1>, multiply_512<2>, multiply_512<3>,
                                       multiply_512<4>, multiply_512<5>, multiply_512<6>};
  static constexpr Multiply kNarrow[] = {multiply_256<1, 8>, multiply_256<2, 4>, multiply_256<3, 4>};
  return isa() == Isa::kAvx512 ? Path{kWide, 6, 1, INT64_MAX, 256} : Path{kNarrow, 3, 2, kBlockRows, 128};
}

// At most kBlockRows rows, in groups of equal size but for one. The first pass over a block reads it from the second
// level of the cache and the others from there again; meanwhile the next block is asked to come there. A single pass
// does not ask: it waits for memory whatever it does.
void multiply_block(const Path& path, const TileShape& shape, const float* a, const float* b, float* c) {
  const int64_t groups = (shape.rows + path.group - 1) / path.group, parts = shape.rows == 1 ? 1 : path.parts;
  const int64_t passes = groups * parts, lines = passes < kLines ? 2 : 1;
  for (int64_t k = 0; k < shape.depth; k += path.depth) {
    const int64_t depth = std::min(path.depth, shape.depth - k);
    const float* next = b + (k + depth) * kPanel;
    for (int64_t pass = 0; pass < passes; ++pass) {
      const int64_t g = pass / parts, column = pass % parts * (kPanel / parts);
      const int64_t begin = shape.rows * g / groups, end = shape.rows * (g + 1) / groups;
      const float* ahead = passes > 1 && pass * lines < kLines ? next + pass * lines * depth * kLine : nullptr;
      path.multiply[end - begin - 1]({a + begin * shape.stride_a + k, b + k * kPanel + column,
                                      c + begin * shape.stride_c + column, shape.stride_a, shape.stride_c, depth, k > 0,
                                      ahead, lines});
    }
  }
}

// Tile products add what they computed as a whole to what was there.
void add_block(const Path& path, const TileShape& shape, const float* a, const float* b, float* c) {
  float product[kBlockRows * kPanel];
  TileShape own = shape;
  own.stride_c = kPanel;
  multiply_block(path, own, a, b, product);
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
#if defined(HETERODYNE_INTRINSICS)
    if (isa() >= Isa::kAvx2 && shape.depth > 0 && shape.rows <= path().most) {
      if (add) add_block(path(), block, rows_a, b, rows_c);
      else multiply_block(path(), block, rows_a, b, rows_c);
      continue;
    }
#endif
    tile_gemm(block, add, rows_a, b, rows_c);
  }
}

}  // namespace heterodyne::ops::internal
