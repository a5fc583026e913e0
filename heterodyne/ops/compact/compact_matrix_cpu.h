// The kernels behind compact matrices: raw pointers, one panel at a time.
//
// Letters: I inputs, W outputs of a panel, V those rounded up to 16 ("columns").
#pragma once

#include <bit>
#include <cstdint>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/compact/compact.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops {
struct CompactMatrix;  // compact_matrix.h, which needs LibTorch's headers
}  // namespace heterodyne::ops

namespace heterodyne::ops::internal {

constexpr int64_t kScaled = 32;  // inputs that share a scale

inline int64_t round_to_16(int64_t value) { return (value + 15) / 16 * 16; }
inline int64_t round_to_2(int64_t value) { return (value + 1) / 2 * 2; }
inline int64_t num_scaled(int64_t inputs) { return (inputs + kScaled - 1) / kScaled; }

/// bfloat16 as its bits, the nearest to a float32.
uint16_t to_bf16(float value);

struct CompactPanel {
  Compact format;
  int64_t inputs, width, columns;
  uint16_t* pairs = nullptr;       // bf16
  int8_t* bytes = nullptr;         // int8
  uint16_t* scales = nullptr;      // int8: bfloat16
  float* column_scales = nullptr;  // int8_columns
};
/// Panel p of a matrix whose tensors are there. They are only written by compact_panel().
CompactPanel panel_of(const CompactMatrix& matrix, int64_t p);

/// From rows 64 p .. of a row-major matrix [O, I].
void compact_panel(const float* first_row, const CompactPanel& panel);

HETERODYNE_INLINE float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// Of all columns, for the inputs from `first` on, a multiple of kScaled.
HETERODYNE_INLINE void scales_at(const CompactPanel& panel, int64_t first, float* to) {
  if (panel.column_scales) {
    for (int64_t c = 0; c < panel.columns; ++c) to[c] = panel.column_scales[c];
  } else {
    const uint16_t* scales = panel.scales + first / kScaled * panel.columns;
    for (int64_t c = 0; c < panel.columns; ++c) to[c] = from_bf16(scales[c]);
  }
}

/// The inputs [first, first + depth) of a panel, `first` a multiple of 32 (of 2 in bf16): float32 [depth, V].
void expand_panel(const CompactPanel& panel, int64_t first, int64_t depth, float* to);
/// All inputs of one column.
void expand_column(const CompactPanel& panel, int64_t column, float* to);
/// As expand_panel(), but as pairs of bfloat16, [depth / 2, V, 2]; an odd depth is filled up with zeros. Of int8
/// panels.
void expand_to_pairs(const CompactPanel& panel, int64_t first, int64_t depth, uint16_t* to);

/// What rows are rounded to for a product with a panel.
enum class Rounding {
  kNone,
  kBf16,  // the nearest bfloat16: [I rounded up to 2], zeros beyond the last
  kWhole  // whole numbers of 16 bits, laid out like that, then a float32 scale for each kScaled inputs
};
Rounding rounding_of(Compact format, int64_t rows);
/// Floats that a rounded row takes.
int64_t rounded_size(Rounding rounding, int64_t inputs);
/// Rows one after the other. In kWhole NaN and infinity make all that shares their scale NaN, and values that share one
/// and are not larger than 1e-30 become zeros.
void round_rows(Rounding rounding, const Block& from, float* to);

/// The right factor of tile_gemm_bf16(), and what a panel of bf16 is made of: rows rounded to the nearest bfloat16, two
/// by two, the last of an odd number beside zeros: [rows / 2, stride, 2]. Columns from those of `rows` on stay as they
/// are.
void round_to_pairs(const Block& rows, int64_t stride, uint16_t* to);
/// tile_gemm_bf16() for any number of rows of A.
void rows_gemm_bf16(const TileShape& shape, bool add, const uint16_t* a, const uint16_t* b, float* c);

/// Rows that are multiplied by a panel.
struct CompactRows {
  const float* x;  // [count, I]
  int64_t stride_x, count;
  float* y;  // where column 0 of the panel goes in the first row
  int64_t stride_y;
  Rounding rounding = Rounding::kNone;
  const float* rounded = nullptr;  // round_rows() of x
};
/// Bytes of memory that a product works in.
constexpr int64_t kCompactWork = 128 * kPanel * static_cast<int64_t>(sizeof(float));
/// Whichever rounding the rows have: where it is none that the format has, they count as they are.
void compact_gemm(const CompactPanel& panel, const CompactRows& rows, void* work);

}  // namespace heterodyne::ops::internal
