// The kernels behind compact matrices: raw pointers, one panel at a time.
//
// Letters: I inputs, W outputs of a panel, V those rounded up to 16 ("columns").
#pragma once

#include <cstdint>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/compact/compact.h"
#include "heterodyne/ops/compact/rounding_cpu.h"
#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops {
struct CompactMatrix;  // compact_matrix.h, which needs LibTorch's headers
}  // namespace heterodyne::ops

namespace heterodyne::ops::internal {

inline int64_t round_to_16(int64_t value) { return (value + 15) / 16 * 16; }

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

/// Of all columns, for the inputs from `first` on, a multiple of kScaled.
HETERODYNE_INLINE void scales_at(const CompactPanel& panel, int64_t first, float* to) {
  if (panel.column_scales) {
    for (int64_t c = 0; c < panel.columns; ++c) to[c] = panel.column_scales[c];
  } else {
    const uint16_t* scales = panel.scales + first / kScaled * panel.columns;
    for (int64_t c = 0; c < panel.columns; ++c) to[c] = from_bf16(scales[c]);
  }
}

/// Those for the inputs from `first` on come into the cache. They may lie behind the panel.
HETERODYNE_INLINE void ask_for_scales(const CompactPanel& panel, int64_t first) {
  if (panel.scales == nullptr) return;
  const uint16_t* scales = panel.scales + first / kScaled * panel.columns;
  __builtin_prefetch(scales);
  __builtin_prefetch(scales + kPanel / 2);
}

/// The inputs [first, first + depth) of a panel, `first` a multiple of 32 (of 2 in bf16): float32 [depth, V].
void expand_panel(const CompactPanel& panel, int64_t first, int64_t depth, float* to);
/// All inputs of one column.
void expand_column(const CompactPanel& panel, int64_t column, float* to);
/// As expand_panel(), but as pairs of bfloat16, [depth / 2, V, 2]; an odd depth is filled up with zeros. Of int8
/// panels.
void expand_to_pairs(const CompactPanel& panel, int64_t first, int64_t depth, uint16_t* to);

Rounding rounding_of(Compact format, int64_t rows);

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
  const void* next = nullptr;      // the panel that is multiplied after this one; many rows ask for it meanwhile
  int64_t all_rows = 0;            // that these are cut from, by whose number the way is chosen; 0: these are all
};
/// Bytes of memory that a product works in.
constexpr int64_t kCompactWork = 128 * kPanel * static_cast<int64_t>(sizeof(float));
/// Whichever rounding the rows have: where it is none that the format has, they count as they are.
void compact_gemm(const CompactPanel& panel, const CompactRows& rows, void* work);

}  // namespace heterodyne::ops::internal
