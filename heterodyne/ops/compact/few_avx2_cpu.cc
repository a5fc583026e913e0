#include "heterodyne/ops/compact/few_avx2_cpu.h"

#include <algorithm>

#include "heterodyne/ops/isa.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HETERODYNE_AVX2_ROWS 1
#endif

namespace heterodyne::ops::internal {

#if defined(HETERODYNE_AVX2_ROWS)
namespace {

constexpr int kLanes = 8;
constexpr int64_t kBlock = 128;  // inputs that stay in the cache while parts of the columns are gone through

// Some columns from `column` on, and the inputs [first, end), of which `first` is even. y holds the sums
// over those before.
struct Part {
  const CompactPanel& panel;
  const CompactRows& rows;
  int64_t column, first, end;
  bool asks;  // for the weights that lie one block ahead

  float* y(int r, int v) const { return rows.y + r * rows.stride_y + column + v * kLanes; }
  const float* x(int r) const { return rows.x + r * rows.stride_x; }
};
using Multiply = void (*)(const Part&);

// R rows and 8 V columns. Even and odd inputs are added up in turns.
template <int R, int V>
__attribute__((target("avx2,fma"))) void multiply_bf16(const Part& part) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
  __m256 sum[R][V];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) sum[r][v] = part.first > 0 ? _mm256_loadu_ps(part.y(r, v)) : _mm256_setzero_ps();
  }
  const uint16_t* pairs = part.panel.pairs + part.first * kPanel + 2 * part.column;
  for (int64_t k = part.first; k < part.end; k += 2, pairs += 2 * kPanel) {
    const bool has_second = k + 1 < part.end;  // otherwise zeros lie there, and no value of x
    __m256 low[V], high[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (part.asks && v % 2 == 0) __builtin_prefetch(pairs + kBlock * kPanel + 2 * v * kLanes);
      const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs + 2 * v * kLanes));
      low[v] = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
      high[v] = _mm256_castsi256_ps(_mm256_and_si256(both, upper));
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const __m256 first = _mm256_broadcast_ss(part.x(r) + k);
      const __m256 second = has_second ? _mm256_broadcast_ss(part.x(r) + k + 1) : _mm256_setzero_ps();
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        sum[r][v] = _mm256_fmadd_ps(first, low[v], sum[r][v]);
        sum[r][v] = _mm256_fmadd_ps(second, high[v], sum[r][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) _mm256_storeu_ps(part.y(r, v), sum[r][v]);
  }
}

// By the number of rows, less one: as many columns as have sums in twelve of the sixteen registers.
constexpr int kVectors[] = {8, 4, 2, 2};
constexpr Multiply kBf16[] = {multiply_bf16<1, 8>, multiply_bf16<2, 4>, multiply_bf16<3, 2>, multiply_bf16<4, 2>};

}  // namespace

bool few_rows_avx2(const CompactPanel& panel, const CompactRows& rows) {
  const bool fits = panel.pairs && panel.width == kPanel && panel.inputs > 0 && rows.count >= 1 && rows.count <= 4;
  if (isa() != Isa::kAvx2 || !fits) return false;
  const Multiply multiply = kBf16[rows.count - 1];
  const int64_t columns = kVectors[rows.count - 1] * kLanes;
  for (int64_t first = 0; first < panel.inputs; first += kBlock) {
    const int64_t end = std::min(first + kBlock, panel.inputs);
    for (int64_t column = 0; column < kPanel; column += columns) {
      multiply({panel, rows, column, first, end, columns < kPanel});
    }
  }
  return true;
}

#else

bool few_rows_avx2(const CompactPanel&, const CompactRows&) { return false; }

#endif

}  // namespace heterodyne::ops::internal
