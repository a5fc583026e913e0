// The kernels behind compact matrices: raw pointers, one panel at a time.
//
// Letters: I inputs, W outputs of a panel, V those rounded up to 16 ("columns").
#pragma once

#include <cstdint>

#include "heterodyne/ops/compact/compact_matrix.h"
#include "heterodyne/ops/panels_cpu.h"

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

/// The inputs [first, first + depth) of a panel, `first` a multiple of 32 (of 2 in bf16): float32 [depth, V].
void expand_panel(const CompactPanel& panel, int64_t first, int64_t depth, float* to);
/// All inputs of one column.
void expand_column(const CompactPanel& panel, int64_t column, float* to);
/// As expand_panel(), but as pairs of bfloat16, [depth / 2, V, 2]; an odd depth is filled up with zeros. Of int8
/// panels.
void expand_to_pairs(const CompactPanel& panel, int64_t first, int64_t depth, uint16_t* to);

/// to[r, i] = the nearest bfloat16 of from[r, i]; a row of `to` has round_to_2(columns) values, zero beyond the last.
void round_rows(const Block& from, uint16_t* to);

/// Rows that are multiplied by a panel.
struct CompactRows {
  const float* x;  // [count, I]
  int64_t stride_x, count;
  float* y;  // where column 0 of the panel goes in the first row
  int64_t stride_y;
  const uint16_t* x_bf16 = nullptr;  // round_rows() of x, where is_in_bf16()
};
/// Whether so many rows are multiplied as bfloat16.
bool is_in_bf16(int64_t rows);
/// As many read the panel directly.
int64_t few_rows();
/// Bytes of memory that a product works in.
constexpr int64_t kCompactWork = 128 * kPanel * static_cast<int64_t>(sizeof(float));
void compact_gemm(const CompactPanel& panel, const CompactRows& rows, void* work);

}  // namespace heterodyne::ops::internal
