#include "heterodyne/ops/compact/byte_rows_cpu.h"

#include <algorithm>
#include <cstring>

#include "heterodyne/base/clones.h"
#include "heterodyne/base/intrinsics.h"
#include "heterodyne/ops/compact/whole_rows_cpu.h"
#include "heterodyne/ops/compact/wide_registers_cpu.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kDepth = 256;        // inputs of a block
constexpr int64_t kGroup = 6;          // rows whose sums have room in the registers
constexpr int64_t kLine = 64;          // bytes
constexpr int64_t kAhead = 128;        // inputs by which a single pass asks for the panel ahead
constexpr int64_t kQuad = 4 * kPanel;  // bytes of four inputs of all columns

// With what comes after these inputs.
struct BytePart : WholeRows<uint8_t> {
  const void* ahead;
};

HETERODYNE_CLONES void multiply_plainly(const BytePart& part, int64_t count) { multiply_whole(part, count, kByteZero); }

#if defined(HETERODYNE_INTRINSICS)

#define HETERODYNE_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

constexpr int kLanes = 16, kVectors = kPanel / kLanes;

// A block of a whole panel as products read it, columns out of order: vector v of four has in its part L the columns
// 16 L + 4 v .. + 3.
struct ByteBlock {
  alignas(64) int8_t quads[kDepth / 4 * kQuad];
  alignas(64) float scales[kDepth / kScaled * kPanel];
  alignas(64) int32_t less[kDepth / kScaled * kPanel];  // what sums begin with, since kByteZero stands for zero
  alignas(64) float sums[kGroup * kPanel];
};
static_assert(sizeof(ByteBlock) <= kCompactWork);

// Columns in order become columns out of order, and the other way round.
HETERODYNE_VNNI inline void turn(__m512* four) {
  const __m512 a = _mm512_shuffle_f32x4(four[0], four[1], 0x44), b = _mm512_shuffle_f32x4(four[0], four[1], 0xEE);
  const __m512 c = _mm512_shuffle_f32x4(four[2], four[3], 0x44), d = _mm512_shuffle_f32x4(four[2], four[3], 0xEE);
  four[0] = _mm512_shuffle_f32x4(a, c, 0x88);
  four[1] = _mm512_shuffle_f32x4(a, c, 0xDD);
  four[2] = _mm512_shuffle_f32x4(b, d, 0x88);
  four[3] = _mm512_shuffle_f32x4(b, d, 0xDD);
}

// Four inputs of all columns.
HETERODYNE_VNNI inline void make_quads(const int8_t* bytes, __m512i* to) {
  __m512i row[4];
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) row[i] = _mm512_loadu_si512(bytes + i * kPanel);
  const __m512i low = _mm512_unpacklo_epi8(row[0], row[1]), high = _mm512_unpackhi_epi8(row[0], row[1]);
  const __m512i low_2 = _mm512_unpacklo_epi8(row[2], row[3]), high_2 = _mm512_unpackhi_epi8(row[2], row[3]);
  to[0] = _mm512_unpacklo_epi16(low, low_2);
  to[1] = _mm512_unpackhi_epi16(low, low_2);
  to[2] = _mm512_unpacklo_epi16(high, high_2);
  to[3] = _mm512_unpackhi_epi16(high, high_2);
}

// At the beginning of inputs that share a scale: the sums before stay in memory, so that all registers are there for
// whole numbers.
inline void leave_sums() { asm volatile("" ::: "memory"); }

// y of R rows from sums of columns out of order, the first or behind those of other inputs.
template <int R>
HETERODYNE_VNNI inline void add_to_y(const BytePart& part, const float* sums) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    __m512 sum[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = _mm512_load_ps(sums + r * kPanel + v * kLanes);
    turn(sum);
    float* y = part.y + r * part.stride_y;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v, y += kLanes)
      _mm512_storeu_ps(y, part.first > 0 ? _mm512_add_ps(_mm512_loadu_ps(y), sum[v]) : sum[v]);
  }
}

HETERODYNE_VNNI void prepare(const CompactPanel& panel, int64_t begin, int64_t depth, ByteBlock& to) {
  const __m512i zeros = _mm512_set1_epi8(static_cast<char>(kByteZero));
  for (int64_t first = 0; first < depth; first += kScaled) {
    const int64_t end = std::min(first + kScaled, depth);
    __m512i sum[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = _mm512_setzero_si512();
    for (int64_t k = first; k < end; k += 4) {
      __m512i quad[kVectors];
      make_quads(panel.bytes + (begin + k) * kPanel, quad);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        _mm512_store_si512(to.quads + k / 4 * kQuad + v * kLine, quad[v]);
        sum[v] = plus_products(sum[v], zeros, quad[v]);
      }
    }
    __m512 scale[kVectors];
    load_scales(panel, begin + first, scale);
    turn(scale);
    const int64_t at = first / kScaled * kPanel;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      _mm512_store_ps(to.scales + at + v * kLanes, scale[v]);
      _mm512_store_si512(to.less + at + v * kLanes, _mm512_sub_epi32(_mm512_setzero_si512(), sum[v]));
    }
  }
}

// R rows, from a prepared block or, kOnce, from the panel on its way from memory. What `part.ahead` names is asked for
// at each step, four cache lines; null: nothing. Sums of a block lie in memory, since registers hold those of kScaled
// inputs.
template <int R, bool kOnce>
HETERODYNE_VNNI void multiply(const BytePart& part, ByteBlock& block) {
  const __m512i zeros = _mm512_set1_epi8(static_cast<char>(kByteZero));
  const int8_t *quad = kOnce ? part.panel.bytes + part.first * kPanel : block.quads,
               *ahead = static_cast<const int8_t*>(part.ahead);
  const uint8_t* x = part.x;
  const float* x_scale = part.x_scale;
  const int64_t stride_x = part.stride_x, stride_scale = part.stride_scale;
#pragma GCC unroll 32
  for (int i = 0; i < R * kVectors; ++i) _mm512_store_ps(block.sums + i * kLanes, _mm512_setzero_ps());
  for (int64_t first = 0; first < part.depth; first += kScaled, ++x_scale) {
    const int64_t end = std::min(first + kScaled, part.depth), at = first / kScaled * kPanel;
    leave_sums();
    __m512i product[R][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        product[r][v] = kOnce ? _mm512_setzero_si512() : _mm512_load_si512(block.less + at + v * kLanes);
    }
    __m512i less[kVectors];  // where the block has none
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) less[v] = _mm512_setzero_si512();
    for (int64_t k = first; k < end; k += 4, quad += kQuad, x += 4) {
      if (ahead != nullptr) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v)
          _mm_prefetch(reinterpret_cast<const char*>(ahead + v * kLine), kOnce ? _MM_HINT_T0 : _MM_HINT_T1);
        ahead += kQuad;
      }
      __m512i weight[kVectors];
      if constexpr (kOnce) {
        make_quads(quad, weight);
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) less[v] = plus_products(less[v], zeros, weight[v]);
      } else {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) weight[v] = _mm512_load_si512(quad + v * kLine);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        int32_t four;
        std::memcpy(&four, x + r * stride_x, sizeof four);
        const __m512i value = _mm512_set1_epi32(four);
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) product[r][v] = plus_products(product[r][v], value, weight[v]);
      }
    }
    __m512 scale[kVectors];
    if constexpr (kOnce) {
      load_scales(part.panel, part.first + first, scale);
      turn(scale);
      ask_for_scales(part.panel, part.first + first + kAhead);
    } else {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) scale[v] = _mm512_load_ps(block.scales + at + v * kLanes);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m512 of_row = _mm512_set1_ps(x_scale[r * stride_scale]);
      float* sums = block.sums + r * kPanel;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v, sums += kLanes) {
        const __m512i whole = kOnce ? _mm512_sub_epi32(product[r][v], less[v]) : product[r][v];
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), of_row);
        _mm512_store_ps(sums, _mm512_fmadd_ps(scaled, scale[v], _mm512_load_ps(sums)));
      }
    }
  }
  add_to_y<R>(part, block.sums);
}

// A few rows take the panel as it comes. More go in groups of equal size but for one; while the first of them is
// multiplied, the next block is asked for.
void multiply_block(const BytePart& all, int64_t count, ByteBlock& block) {
  using Multiply = void (*)(const BytePart&, ByteBlock&);
  static constexpr Multiply kAtOnce[kGroup] = {multiply<1, true>, multiply<2, true>, multiply<3, true>,
                                               multiply<4, true>, multiply<5, true>, multiply<6, true>};
  constexpr int64_t kLeast = kGroup / 2;  // rows of a group where there are more than one
  static constexpr Multiply kBySize[] = {multiply<3, false>, multiply<4, false>, multiply<5, false>,
                                         multiply<6, false>};
  if (count <= kGroup) return kAtOnce[count - 1]({all, all.panel.bytes + (all.first + kAhead) * kPanel}, block);
  prepare(all.panel, all.first, all.depth, block);
  const int64_t groups = (count + kGroup - 1) / kGroup;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t begin = count * g / groups, end = count * (g + 1) / groups;
    kBySize[end - begin - kLeast]({all.from(begin), g == 0 ? all.ahead : nullptr}, block);
  }
}

#endif

}  // namespace

bool has_byte_products() {
#if defined(HETERODYNE_INTRINSICS)
  static const bool has_vnni = __builtin_cpu_supports("avx512vnni");
  return has_vnni && isa() == Isa::kAvx512;
#else
  return false;
#endif
}

void multiply_bytes(const CompactPanel& panel, const CompactRows& rows, [[maybe_unused]] void* work) {
  const int64_t I = panel.inputs;
  for (int64_t first = 0; first < I; first += kDepth) {
    const void* next = panel.bytes + (first + kDepth) * panel.columns;
    const BytePart part{WholeRows<uint8_t>::of(panel, rows, first, std::min(kDepth, I - first)),
                        first + kDepth < I || !rows.next ? next : rows.next};
#if defined(HETERODYNE_INTRINSICS)
    if (panel.width == kPanel && part.depth % 4 == 0 && has_byte_products()) {
      multiply_block(part, rows.count, *static_cast<ByteBlock*>(work));
      continue;
    }
#endif
    multiply_plainly(part, rows.count);
  }
}

}  // namespace heterodyne::ops::internal
