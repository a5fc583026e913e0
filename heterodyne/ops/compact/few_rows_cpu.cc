#include "heterodyne/ops/compact/few_rows_cpu.h"

#include <algorithm>

#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::internal {

#if defined(HETERODYNE_INTRINSICS)
namespace {

constexpr int k256 = 8, k512 = 16;  // floats of a register
constexpr int64_t kBlock = 128;     // inputs that stay in the cache while parts of the columns are gone through
constexpr int64_t kAhead = 96;      // inputs by which a single pass asks for weights ahead

// R rows and all columns. Even and odd inputs are added up in turns.
template <int R>
__attribute__((target("avx512f"))) void multiply_bf16_512(const CompactPanel& panel, const CompactRows& rows) {
  constexpr int V = kPanel / k512;
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  __m512 sum[R][V];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  const uint16_t* pairs = panel.pairs;
  for (int64_t k = 0; k < panel.inputs; k += 2, pairs += 2 * kPanel) {
    const bool has_second = k + 1 < panel.inputs;  // otherwise zeros lie there, and no value of x
    __m512i both[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      __builtin_prefetch(pairs + kAhead * kPanel + 2 * v * k512);
      both[v] = _mm512_loadu_si512(pairs + 2 * v * k512);
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m512 first = _mm512_set1_ps(rows.x[r * rows.stride_x + k]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v)
        sum[r][v] = _mm512_fmadd_ps(first, _mm512_castsi512_ps(_mm512_slli_epi32(both[v], 16)), sum[r][v]);
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) both[v] = _mm512_and_si512(both[v], upper);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m512 second = has_second ? _mm512_set1_ps(rows.x[r * rows.stride_x + k + 1]) : _mm512_setzero_ps();
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] = _mm512_fmadd_ps(second, _mm512_castsi512_ps(both[v]), sum[r][v]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) _mm512_storeu_ps(rows.y + r * rows.stride_y + v * k512, sum[r][v]);
  }
}

// Some columns from `column` on, and the inputs [first, end), of which `first` is even. y holds the sums
// over those before.
struct Part {
  const CompactPanel& panel;
  const CompactRows& rows;
  int64_t column, first, end;
  bool asks;  // for the weights that lie one block ahead

  float* y(int r, int v) const { return rows.y + r * rows.stride_y + column + v * k256; }
  const float* x(int r) const { return rows.x + r * rows.stride_x; }
};
using Multiply = void (*)(const Part&);

// R rows and 8 V columns. Even and odd inputs are added up in turns.
template <int R, int V>
__attribute__((target("avx2,fma"))) void multiply_bf16_256(const Part& part) {
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
      if (part.asks && v % 2 == 0) __builtin_prefetch(pairs + kBlock * kPanel + 2 * v * k256);
      const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs + 2 * v * k256));
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
constexpr Multiply kNarrow[] = {multiply_bf16_256<1, 8>, multiply_bf16_256<2, 4>, multiply_bf16_256<3, 2>,
                                multiply_bf16_256<4, 2>};
constexpr void (*kWide[])(const CompactPanel&, const CompactRows&) = {multiply_bf16_512<1>, multiply_bf16_512<2>,
                                                                      multiply_bf16_512<3>, multiply_bf16_512<4>,
                                                                      multiply_bf16_512<5>, multiply_bf16_512<6>};

}  // namespace

int64_t most_few_rows() { return isa() == Isa::kAvx512 ? 6 : isa() == Isa::kAvx2 ? 4 : 0; }

bool few_bf16_rows(const CompactPanel& panel, const CompactRows& rows) {
  const bool fits = panel.pairs && panel.width == kPanel && panel.inputs > 0 && rows.count >= 1;
  if (!fits || rows.count > most_few_rows()) return false;
  const auto way = static_cast<size_t>(rows.count - 1);
  if (isa() == Isa::kAvx512) {
    kWide[way](panel, rows);
    return true;
  }
  const int64_t columns = kVectors[way] * k256;
  for (int64_t first = 0; first < panel.inputs; first += kBlock) {
    const int64_t end = std::min(first + kBlock, panel.inputs);
    for (int64_t column = 0; column < kPanel; column += columns) {
      kNarrow[way]({panel, rows, column, first, end, columns < kPanel});
    }
  }
  return true;
}

#else

int64_t most_few_rows() { return 0; }
bool few_bf16_rows(const CompactPanel&, const CompactRows&) { return false; }

#endif

}  // namespace heterodyne::ops::internal
