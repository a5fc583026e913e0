#include "heterodyne/ops/compact/int8_rows_cpu.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "heterodyne/base/clones.h"
#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/compact/byte_rows_cpu.h"
#include "heterodyne/ops/compact/whole_rows_cpu.h"
#include "heterodyne/ops/compact/wide_registers_cpu.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kDepth = 128;    // inputs of a block; pairs of all columns fit into kCompactWork
constexpr int64_t kRowBlock = 48;  // rows that go through a block together
constexpr int64_t kLine = 64;      // bytes

// Where pairs of neighbouring inputs, two whole numbers of 16 bits, come from.
enum class Pairs {
  kMade,  // from bytes, on the way
  kRead
};

// Some rows, some inputs, of which the first is a multiple of kScaled, and all columns.
struct WholePart : WholeRows<int16_t> {
  int32_t* pairs;
  const int8_t* ahead;  // what is asked for at each step, `lines` times kLine; null: nothing
  int64_t lines;
};

#if defined(HETERODYNE_INTRINSICS)

#define HETERODYNE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define HETERODYNE_AVX2 __attribute__((target("avx2,fma")))

constexpr int k512 = 16, kWide = kPanel / k512;  // values of a register, registers of a panel's columns
constexpr int k256 = 8, kNarrow = kPanel / k256;

// The rows from `begin` on in one of the passes over a block. The last two passes ask for the next block, so that it
// comes while nothing else is read.
WholePart rows_from(const WholePart& all, int64_t begin, int64_t pass, int64_t passes) {
  WholePart part{all.from(begin), all.pairs, all.ahead, all.lines};
  if (passes == 1) part.lines = 2;
  else if (pass == passes - 1) part.ahead += part.depth / 2 * kLine;
  else if (pass < passes - 2) part.ahead = nullptr;
  return part;
}

// Inputs k and k + 1 of 32 columns as two vectors of pairs. `second` is null behind an odd last input.
HETERODYNE_AVX512 inline void make_pairs(const int8_t* first, const int8_t* second, __m512i* to) {
  const __m512i a = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(first)));
  const __m512i b = second ? _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(second)))
                           : _mm512_setzero_si512();
  to[0] = _mm512_unpacklo_epi16(a, b);
  to[1] = _mm512_unpackhi_epi16(a, b);
}

// Columns 0 .. 15 and 16 .. 31 of two vectors as make_pairs() orders them, and back.
HETERODYNE_AVX512 inline void in_order(__m512* two) {
  const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  const __m512 a = two[0], b = two[1];
  two[0] = _mm512_permutex2var_ps(a, low, b);
  two[1] = _mm512_permutex2var_ps(a, high, b);
}
HETERODYNE_AVX512 inline void out_of_order(__m512* two) {
  const __m512i even = _mm512_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(4));
  const __m512 a = two[0], b = two[1];
  two[0] = _mm512_permutex2var_ps(a, even, b);
  two[1] = _mm512_permutex2var_ps(a, odd, b);
}

// R rows, whose pairs are made on the way.
template <int R>
HETERODYNE_AVX512 void multiply_512(const WholePart& part) {
  const int64_t depth = part.depth, stride_x = part.stride_x;
  const int8_t *bytes = part.panel.bytes + part.first * kPanel, *ahead = part.ahead;
  const int16_t* x = part.x;
  __m512 sum[R][kWide];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kWide; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  for (int64_t first = 0; first < depth; first += kScaled) {
    const int64_t end = std::min(first + kScaled, depth);
    __m512i product[R][kWide];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kWide; ++v) product[r][v] = _mm512_setzero_si512();
    }
    for (int64_t k = first; k < end; k += 2, bytes += 2 * kPanel, ahead += 2 * kLine, x += 2) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(ahead + kLine), _MM_HINT_T0);
      __m512i weight[kWide];
      const int8_t* second = k + 1 < depth ? bytes + kPanel : nullptr;
      make_pairs(bytes, second, weight);
      make_pairs(bytes + kPanel / 2, second ? second + kPanel / 2 : nullptr, weight + 2);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        int32_t both;
        std::memcpy(&both, x + r * stride_x, sizeof both);
        const __m512i value = _mm512_set1_epi32(both);
#pragma GCC unroll 8
        for (int v = 0; v < kWide; ++v) {
          product[r][v] = plus_pair_products(product[r][v], value, weight[v]);
        }
      }
    }
    __m512 scale[kWide];
    load_scales(part.panel, part.first + first, scale);
    out_of_order(scale);
    out_of_order(scale + 2);
    ask_for_scales(part.panel, part.first + first + kDepth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m512 x_scale = _mm512_set1_ps(part.x_scale[r * part.stride_scale + first / kScaled]);
#pragma GCC unroll 8
      for (int v = 0; v < kWide; ++v) {
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(product[r][v]), scale[v]);
        sum[r][v] = _mm512_fmadd_ps(scaled, x_scale, sum[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    in_order(sum[r]);
    in_order(sum[r] + 2);
    float* y = part.y + r * part.stride_y;
#pragma GCC unroll 8
    for (int v = 0; v < kWide; ++v, y += k512) {
      _mm512_storeu_ps(y, part.first > 0 ? _mm512_add_ps(_mm512_loadu_ps(y), sum[r][v]) : sum[r][v]);
    }
  }
}

// Inputs k and k + 1 of 16 columns as two vectors of pairs, out of order: 0 .. 3 and 8 .. 11, 4 .. 7 and 12 .. 15.
HETERODYNE_AVX2 inline void make_pairs(const int8_t* first, const int8_t* second, __m256i* to) {
  const __m256i a = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first)));
  const __m256i b =
      second ? _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(second))) : _mm256_setzero_si256();
  to[0] = _mm256_unpacklo_epi16(a, b);
  to[1] = _mm256_unpackhi_epi16(a, b);
}

// Sums of 16 columns, in order.
HETERODYNE_AVX2 inline void in_order(__m256i* two) {
  const __m256i a = two[0], b = two[1];
  two[0] = _mm256_permute2x128_si256(a, b, 0x20);
  two[1] = _mm256_permute2x128_si256(a, b, 0x31);
}

HETERODYNE_AVX2 void write_pairs_256(const WholePart& part) {
  const int8_t* bytes = part.panel.bytes + part.first * kPanel;
  auto* to = reinterpret_cast<__m256i*>(part.pairs);
  for (int64_t k = 0; k < part.depth; k += 2, bytes += 2 * kPanel, to += kNarrow) {
    const int8_t* second = k + 1 < part.depth ? bytes + kPanel : nullptr;
#pragma GCC unroll 8
    for (int v = 0; v < kNarrow; v += 2) {
      __m256i two[2];
      make_pairs(bytes + v * k256, second ? second + v * k256 : nullptr, two);
      _mm256_storeu_si256(to + v, two[0]);
      _mm256_storeu_si256(to + v + 1, two[1]);
    }
  }
}

// R rows and 8 V columns from `column` on; `scales` [depth / kScaled, kPanel].
template <int R, int V, Pairs kFrom>
HETERODYNE_AVX2 void multiply_256(const WholePart& part, int64_t column, const float* scales) {
  const int8_t *bytes = part.panel.bytes + part.first * kPanel + column, *ahead = part.ahead;
  const auto* pairs = reinterpret_cast<const __m256i*>(part.pairs + column);
  for (int64_t first = 0; first < part.depth; first += kScaled, scales += kPanel) {
    const int64_t end = std::min(first + kScaled, part.depth);
    __m256i product[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) product[r][v] = _mm256_setzero_si256();
    }
    for (int64_t k = first; k < end; k += 2, bytes += 2 * kPanel, pairs += kNarrow) {
      if (ahead != nullptr) {
        _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(ahead + (part.lines - 1) * kLine), _MM_HINT_T0);
        ahead += part.lines * kLine;
      }
      __m256i value[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        int32_t both;
        std::memcpy(&both, part.x + r * part.stride_x + k, sizeof both);
        value[r] = _mm256_set1_epi32(both);
      }
#pragma GCC unroll 8
      for (int v = 0; v < V; v += 2) {
        __m256i weight[2];
        if (kFrom == Pairs::kMade) {
          make_pairs(bytes + v * k256, k + 1 < part.depth ? bytes + kPanel + v * k256 : nullptr, weight);
        } else {
          weight[0] = _mm256_loadu_si256(pairs + v);
          weight[1] = _mm256_loadu_si256(pairs + v + 1);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          product[r][v] = _mm256_add_epi32(product[r][v], _mm256_madd_epi16(value[r], weight[0]));
          product[r][v + 1] = _mm256_add_epi32(product[r][v + 1], _mm256_madd_epi16(value[r], weight[1]));
        }
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m256 x_scale = _mm256_set1_ps(part.x_scale[r * part.stride_scale + first / kScaled]);
      float* y = part.y + r * part.stride_y + column;
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v, y += k256) {
        if (v % 2 == 0) in_order(product[r] + v);
        const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(scales + column + v * k256), x_scale);
        const __m256 before = part.first + first > 0 ? _mm256_loadu_ps(y) : _mm256_setzero_ps();
        _mm256_storeu_ps(y, _mm256_fmadd_ps(_mm256_cvtepi32_ps(product[r][v]), scale, before));
      }
    }
  }
}

// So many rows go through so many vectors of columns at once.
struct Way256 {
  void (*multiply)(const WholePart&, int64_t, const float*);
  int64_t vectors;
};

// Up to three rows make pairs on the way, each some columns at a time; more rows write them down first.
void multiply_block_256(const WholePart& all, int64_t count) {
  constexpr int64_t kMost = 3;
  static constexpr Way256 kMaking[] = {{multiply_256<1, 8, Pairs::kMade>, 8},
                                       {multiply_256<2, 4, Pairs::kMade>, 4},
                                       {multiply_256<3, 2, Pairs::kMade>, 2}};
  static constexpr Way256 kReading[] = {{nullptr, 0},  // of four rows and more no group has one
                                        {multiply_256<2, 4, Pairs::kRead>, 4},
                                        {multiply_256<3, 4, Pairs::kRead>, 4}};
  float scales[kDepth / kScaled * kPanel];
  for (int64_t k = 0; k < all.depth; k += kScaled) scales_at(all.panel, all.first + k, scales + k / kScaled * kPanel);
  if (count > kMost) write_pairs_256(all);
  const Way256* ways = count > kMost ? kReading : kMaking;
  const int64_t groups = (count + kMost - 1) / kMost;
  const int64_t parts = kNarrow / ways[(count + groups - 1) / groups - 1].vectors, passes = groups * parts;
  for (int64_t pass = 0; pass < passes; ++pass) {
    const int64_t g = pass / parts, begin = count * g / groups, end = count * (g + 1) / groups;
    const WholePart part = rows_from(all, begin, pass, passes);
    ways[end - begin - 1].multiply(part, pass % parts * (kPanel / parts), scales);
  }
}

// Where byte_rows_cpu.h has wider registers they take the few rows that come here; more are rounded to bytes there.
void multiply_block(const WholePart& all, int64_t count) {
  static constexpr void (*kWideRows[])(const WholePart&) = {multiply_512<1>, multiply_512<2>, multiply_512<3>};
  if (has_byte_products() && count <= std::ssize(kWideRows)) kWideRows[count - 1](all);
  else multiply_block_256(all, count);
}

// How this processor multiplies a block of a whole panel; null where it has no instructions for it.
using MultiplyBlock = void (*)(const WholePart&, int64_t);
MultiplyBlock block_product() { return isa() >= Isa::kAvx2 ? multiply_block : nullptr; }

#else

using MultiplyBlock = void (*)(const WholePart&, int64_t);
MultiplyBlock block_product() { return nullptr; }

#endif

HETERODYNE_CLONES void multiply_plainly(const WholePart& part, int64_t count) { multiply_whole(part, count, 0); }

}  // namespace

void multiply_int8(const CompactPanel& panel, const CompactRows& rows, void* work) {
  static_assert(kDepth / 2 * kPanel * static_cast<int64_t>(sizeof(int32_t)) <= kCompactWork);
  const int64_t I = panel.inputs;
  const MultiplyBlock fast = panel.width == kPanel ? block_product() : nullptr;
  for (int64_t row = 0; row < rows.count; row += kRowBlock) {
    for (int64_t first = 0; first < I; first += kDepth) {
      const auto block = WholeRows<int16_t>::of(panel, rows, first, std::min(kDepth, I - first)).from(row);
      const int8_t* ahead = panel.bytes + (first + block.depth) * panel.columns;
      (fast ? fast : multiply_plainly)({block, static_cast<int32_t*>(work), ahead, 1},
                                       std::min(kRowBlock, rows.count - row));
    }
  }
}

}  // namespace heterodyne::ops::internal
