#include "heterodyne/ops/compact/compact_matrix_cpu.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/compact/byte_rows_cpu.h"
#include "heterodyne/ops/compact/few_rows_cpu.h"
#include "heterodyne/ops/compact/int8_rows_cpu.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kVector = 16;
using Floats = float __attribute__((vector_size(kVector * sizeof(float))));
using Words = uint32_t __attribute__((vector_size(kVector * sizeof(uint32_t))));

constexpr int64_t kDepth = 128;     // inputs that are expanded at a time; a multiple of kScaled
constexpr int64_t kExactRows = 3;   // of whole numbers of 16 bits: reading the panel takes longer than they do
constexpr int64_t kTiledRows = 24;  // from more on a unit for tiles makes up for expanding whole numbers to bfloat16

// The same for numbers and for NaN as quantize() writes it, whose low bits are zero.
HETERODYNE_INLINE uint32_t rounded_number(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// y of R rows and up to 16 x V columns from column `at` on. Each value is read once.
template <int R, int V>
HETERODYNE_INLINE void few(const CompactPanel& panel, const CompactRows& rows, int64_t at) {
  Floats sum[R][V] = {};
  const int64_t pairs = panel.inputs / 2;
  for (int64_t k = 0; k < pairs; ++k) {
    for (int v = 0; v < V; ++v) {
      Words both;
      std::memcpy(&both, panel.pairs + 2 * (k * panel.columns + at + v * kVector), sizeof both);
      const Words low = both << 16, high = both & 0xffff0000U;
      Floats first, second;
      std::memcpy(&first, &low, sizeof first);
      std::memcpy(&second, &high, sizeof second);
      for (int r = 0; r < R; ++r) {
        sum[r][v] += rows.x[r * rows.stride_x + 2 * k] * first;
        sum[r][v] += rows.x[r * rows.stride_x + 2 * k + 1] * second;
      }
    }
  }
  for (int v = 0; v < V && panel.inputs % 2 == 1; ++v) {
    Words both;
    std::memcpy(&both, panel.pairs + 2 * (pairs * panel.columns + at + v * kVector), sizeof both);
    const Words low = both << 16;
    Floats first;
    std::memcpy(&first, &low, sizeof first);
    for (int r = 0; r < R; ++r) sum[r][v] += rows.x[r * rows.stride_x + 2 * pairs] * first;
  }
  float y[R * V * kVector];
  std::memcpy(y, sum, sizeof sum);
  const int64_t width = std::min<int64_t>(V * kVector, panel.width - at);
  for (int r = 0; r < R; ++r) {
    std::memcpy(rows.y + r * rows.stride_y + at, y + r * V * kVector, static_cast<size_t>(width) * sizeof(float));
  }
}

template <int R>
HETERODYNE_INLINE void few_rows(const CompactPanel& panel, const CompactRows& rows) {
  if (panel.columns == kPanel) return few<R, kPanel / kVector>(panel, rows, 0);
  for (int64_t at = 0; at < panel.columns; at += kVector) few<R, 1>(panel, rows, at);
}

HETERODYNE_CLONES void one_row(const CompactPanel& panel, const CompactRows& rows) { few_rows<1>(panel, rows); }
HETERODYNE_CLONES void two_rows(const CompactPanel& panel, const CompactRows& rows) { few_rows<2>(panel, rows); }
HETERODYNE_CLONES void four_rows(const CompactPanel& panel, const CompactRows& rows) { few_rows<4>(panel, rows); }

// The rows from `first` on.
CompactRows rows_from(const CompactRows& rows, int64_t first) {
  CompactRows rest = rows;
  rest.rounding = Rounding::kNone;
  rest.rounded = nullptr;
  rest.x += first * rows.stride_x;
  rest.y += first * rows.stride_y;
  rest.count -= first;
  return rest;
}

// As float32 in the cache, some inputs at a time.
void gemm_expanded(const CompactPanel& panel, const CompactRows& rows, float* work) {
  for (int64_t first = 0; first < panel.inputs; first += kDepth) {
    const int64_t depth = std::min(kDepth, panel.inputs - first);
    expand_panel(panel, first, depth, work);
    rows_gemm({rows.count, panel.width, depth, rows.stride_x, panel.columns, rows.stride_y}, first > 0, rows.x + first,
              work, rows.y);
  }
}

// As many rows read a panel of bfloat16 directly. Sums of more do not fit into registers; more are worth expanding the
// panel.
int64_t most_read_directly() { return std::max<int64_t>(2, most_few_rows()); }

// What is multiplied later comes into the cache.
template <class Value>
HETERODYNE_INLINE void ask_for(const Value* values, int64_t count) {
  constexpr int64_t kLine = 64 / sizeof(Value);
  for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(values + i);
}

// As bfloat16 from memory (bf16) or, expanded to it, from the cache.
void gemm_bf16(const CompactPanel& panel, const CompactRows& rows, uint16_t* work) {
  const int64_t stride = round_to_2(panel.inputs);
  const int64_t step = panel.pairs ? stride : 2 * kDepth;
  const auto* x = reinterpret_cast<const uint16_t*>(rows.rounded);
  if (rows.next && panel.pairs) ask_for(static_cast<const uint16_t*>(rows.next), panel.inputs * panel.columns);
  for (int64_t first = 0; first < panel.inputs; first += step) {
    const int64_t depth = std::min(step, panel.inputs - first);
    if (!panel.pairs) expand_to_pairs(panel, first, depth, work);
    const uint16_t* pairs = panel.pairs ? panel.pairs : work;
    rows_gemm_bf16({rows.count, panel.width, round_to_2(depth), stride, panel.columns, rows.stride_y}, first > 0,
                   x + first, pairs, rows.y);
  }
  release_bf16_tiles();
}

// One scale for all these inputs of an output, and whole numbers.
float quantize(const float* values, int64_t count, bool rounds_scale, int64_t columns, int8_t* to) {
  float largest = 0;
  bool is_finite = true;
  for (int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(values[i]));
    is_finite &= std::isfinite(values[i]);
  }
  float scale = largest / 127;
  if (rounds_scale) scale = from_bf16(to_bf16(scale));
  const bool is_zero = !(scale > 0);  // also of values so small that the scale vanishes
  if (!is_finite) scale = std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = 0; i < count; ++i) {
    const float whole = is_finite && !is_zero ? std::nearbyint(values[i] / scale) : 1;
    to[i * columns] = static_cast<int8_t>(is_zero && is_finite ? 0 : std::clamp(whole, -127.0F, 127.0F));
  }
  return scale;
}

}  // namespace

HETERODYNE_CLONES void round_to_pairs(const Block& rows, int64_t stride, uint16_t* to) {
  const int64_t W = rows.columns;
  for (int64_t r = 0; r < rows.rows; r += 2, to += 2 * stride) {
    const float *low = rows.first + r * rows.stride, *high = low + rows.stride;
    const bool is_pair = r + 1 < rows.rows;
    for (int64_t c = 0; c < W && is_pair; ++c) to[2 * c] = to_bf16(low[c]), to[2 * c + 1] = to_bf16(high[c]);
    for (int64_t c = 0; c < W && !is_pair; ++c) to[2 * c] = to_bf16(low[c]), to[2 * c + 1] = 0;
  }
}

void rows_gemm_bf16(const TileShape& shape, bool add, const uint16_t* a, const uint16_t* b, float* c) {
  constexpr int64_t kRows = 64;  // few kinds of tile products
  for (int64_t row = 0; row < shape.rows; row += kRows) {
    TileShape some = shape;
    some.rows = std::min(kRows, shape.rows - row);
    tile_gemm_bf16(some, add, a + row * shape.stride_a, b, c + row * shape.stride_c);
  }
}

void compact_panel(const float* first_row, const CompactPanel& panel) {
  const int64_t I = panel.inputs, V = panel.columns;
  if (panel.pairs) {
    float turned[kPanel * kPanel];
    for (int64_t first = 0; first < I; first += kPanel) {
      const int64_t depth = std::min(kPanel, I - first);
      transpose({first_row + first, I, panel.width, depth}, turned, kPanel);
      round_to_pairs({turned, kPanel, depth, panel.width}, V, panel.pairs + first * V);
    }
    return;
  }
  for (int64_t c = 0; c < panel.width; ++c) {
    const float* row = first_row + c * I;
    if (panel.column_scales) {
      panel.column_scales[c] = quantize(row, I, false, V, panel.bytes + c);
    } else {
      for (int64_t first = 0; first < I; first += kScaled) {
        const int64_t count = std::min(kScaled, I - first);
        panel.scales[first / kScaled * V + c] =
            to_bf16(quantize(row + first, count, true, V, panel.bytes + first * V + c));
      }
    }
  }
}

HETERODYNE_CLONES void expand_panel(const CompactPanel& panel, int64_t first, int64_t depth, float* to) {
  const int64_t V = panel.columns;
  if (panel.pairs) {
    float beyond[kPanel];  // an odd last input has zeros behind it
    for (int64_t k = 0; k < depth; k += 2) {
      const uint16_t* pairs = panel.pairs + (first + k) * V;
      float *low = to + k * V, *high = low + V;
      if (k + 1 == depth) high = beyond;
      ask_for(pairs + depth * V, 2 * V);
      for (int64_t c = 0; c < V; ++c) {
        uint32_t both;
        std::memcpy(&both, pairs + 2 * c, sizeof both);
        low[c] = std::bit_cast<float>(both << 16);
        high[c] = std::bit_cast<float>(both & 0xffff0000U);
      }
    }
    return;
  }
  float scale[kPanel];
  for (int64_t k = 0; k < depth; ++k) {
    if (k % kScaled == 0) scales_at(panel, first + k, scale);
    const int8_t* bytes = panel.bytes + (first + k) * V;
    ask_for(bytes + depth * V, V);
    for (int64_t c = 0; c < V; ++c) to[k * V + c] = scale[c] * static_cast<float>(bytes[c]);
  }
}

void expand_column(const CompactPanel& panel, int64_t column, float* to) {
  const int64_t V = panel.columns;
  for (int64_t i = 0; i < panel.inputs; ++i) {
    if (panel.pairs) {
      to[i] = from_bf16(panel.pairs[(i / 2 * V + column) * 2 + i % 2]);
      continue;
    }
    const float scale =
        panel.column_scales ? panel.column_scales[column] : from_bf16(panel.scales[i / kScaled * V + column]);
    to[i] = scale * static_cast<float>(panel.bytes[i * V + column]);
  }
}

HETERODYNE_CLONES void expand_to_pairs(const CompactPanel& panel, int64_t first, int64_t depth, uint16_t* to) {
  const int64_t V = panel.columns;
  float scale[kPanel];
  for (int64_t k = 0; k < depth; k += 2) {
    if (k % kScaled == 0) scales_at(panel, first + k, scale);
    const int8_t *low = panel.bytes + (first + k) * V, *high = low + V;
    uint16_t* pairs = to + k * V;
    if (k + 1 < depth) {
      for (int64_t c = 0; c < V; ++c) {
        const uint32_t a = rounded_number(scale[c] * static_cast<float>(low[c]));
        const uint32_t b = rounded_number(scale[c] * static_cast<float>(high[c]));
        const uint32_t both = a | b << 16;
        std::memcpy(pairs + 2 * c, &both, sizeof both);
      }
    } else {
      for (int64_t c = 0; c < V; ++c) {
        const uint32_t a = rounded_number(scale[c] * static_cast<float>(low[c]));
        std::memcpy(pairs + 2 * c, &a, sizeof a);
      }
    }
  }
}

Rounding rounding_of(Compact format, int64_t rows) {
  const bool is_rounded = isa() == Isa::kAvx512 && has_bf16_tiles();
  if (format == Compact::kBf16) return is_rounded && rows > most_read_directly() ? Rounding::kBf16 : Rounding::kNone;
  if (is_rounded && rows > kTiledRows && has_tile_unit()) return Rounding::kBf16;
  return rows > kExactRows && has_byte_products() ? Rounding::kByte : Rounding::kWhole;
}

void compact_gemm(const CompactPanel& panel, const CompactRows& rows, void* work) {
  if (panel.inputs > 0) {
    if (rows.rounding == Rounding::kBf16) return gemm_bf16(panel, rows, static_cast<uint16_t*>(work));
    if (rows.rounding == Rounding::kByte && panel.bytes) return multiply_bytes(panel, rows, work);
    if (rows.rounding == Rounding::kWhole && panel.bytes) return multiply_int8(panel, rows, work);
    if (panel.bytes || std::max(rows.count, rows.all_rows) > most_read_directly())
      return gemm_expanded(panel, rows, static_cast<float*>(work));
  }
  if (few_bf16_rows(panel, rows)) return;
  for (int64_t first = 0; first < rows.count;) {
    CompactRows some = rows_from(rows, first);
    some.count = some.count >= 4 ? 4 : some.count >= 2 ? 2 : 1;
    first += some.count;
    (some.count == 4 ? four_rows : some.count == 2 ? two_rows : one_row)(panel, some);
  }
}

}  // namespace heterodyne::ops::internal
