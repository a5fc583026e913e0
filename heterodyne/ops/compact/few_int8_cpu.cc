#include "heterodyne/ops/compact/few_int8_cpu.h"

#include <algorithm>

#include "heterodyne/ops/isa.h"

#if defined(__x86_64__) && defined(__GNUC__)
#if !defined(__clang__)
// Falsely reported inside the intrinsics: GCC bug 105593.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#define HETERODYNE_INT8_ROWS 1
#endif

namespace heterodyne::ops::internal {

#if defined(HETERODYNE_INT8_ROWS)
namespace {

constexpr int kLanes = 16;

// Scales of 16 columns for the inputs from `first` on.
__attribute__((target("avx512f"))) inline __m512 scales_of(const CompactPanel& panel, int64_t first, int64_t column) {
  if (panel.column_scales) return _mm512_loadu_ps(panel.column_scales + column);
  const uint16_t* bits = panel.scales + first / kScaled * panel.columns + column;
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// R rows, and 16 V columns from `column` on.
template <int R, int V>
__attribute__((target("avx512f"))) void multiply(const CompactPanel& panel, const CompactRows& rows, int64_t column) {
  const int64_t step = panel.column_scales ? panel.inputs : kScaled;
  __m512 sum[R][V];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  for (int64_t first = 0; first < panel.inputs; first += step) {
    const int64_t end = std::min(first + step, panel.inputs);
    __m512 part[R][V];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) part[r][v] = _mm512_setzero_ps();
    }
    for (int64_t k = first; k < end; ++k) {
      const int8_t* bytes = panel.bytes + k * kPanel + column;
      __m512 weight[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const __m128i whole = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + v * kLanes));
        weight[v] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(whole));
      }
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const __m512 value = _mm512_set1_ps(rows.x[r * rows.stride_x + k]);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) part[r][v] = _mm512_fmadd_ps(value, weight[v], part[r][v]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const __m512 scale = scales_of(panel, first, column + v * kLanes);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sum[r][v] = _mm512_fmadd_ps(scale, part[r][v], sum[r][v]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      _mm512_storeu_ps(rows.y + r * rows.stride_y + column + v * kLanes, sum[r][v]);
    }
  }
}

}  // namespace

bool few_rows_int8(const CompactPanel& panel, const CompactRows& rows) {
  if (isa() != Isa::kAvx512 || panel.width != kPanel || panel.pairs != nullptr) return false;
  constexpr int kHalf = kPanel / kLanes / 2;  // of the vectors: sums of four rows fill the registers
  if (rows.count == 1) multiply<1, 2 * kHalf>(panel, rows, 0);
  if (rows.count == 2) multiply<2, 2 * kHalf>(panel, rows, 0);
  if (rows.count == 4) multiply<4, kHalf>(panel, rows, 0), multiply<4, kHalf>(panel, rows, kHalf * kLanes);
  return true;
}

#else

bool few_rows_int8(const CompactPanel&, const CompactRows&) { return false; }

#endif

}  // namespace heterodyne::ops::internal
