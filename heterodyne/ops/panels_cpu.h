// Panels: how matrices are laid out for tile products. A panel is up to 64 columns of a matrix that a product reads,
// one row after the other without gaps, so that a row's values lie in whole cache lines beside each other.
//
// Most of this moves values and changes none.
#pragma once

#include <cstdint>

#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops::internal {

constexpr int64_t kPanel = 64;

inline int64_t num_panels(int64_t columns) { return (columns + kPanel - 1) / kPanel; }
/// Of panel `index` of a matrix with that many columns.
inline int64_t panel_width(int64_t columns, int64_t index) {
  const int64_t left = columns - index * kPanel;
  return left < kPanel ? left : kPanel;
}
/// Rounded up to a multiple of 8: the depths of weight gradients are, so that there are few kinds of tile products.
inline int64_t round_to_8(int64_t value) { return (value + 7) / 8 * 8; }

struct Block {
  const float* first;
  int64_t stride;  // between rows
  int64_t rows, columns;
};

/// to[c * stride + r] = from[r][c]: a panel made of rows.
void transpose(const Block& from, float* to, int64_t stride);
/// The same with rows of `padded` values, zeros behind the last: [columns, padded].
void transpose_padded(const Block& from, int64_t padded, float* to);
/// to[r * stride + c] = from[r][c].
void copy(const Block& from, float* to, int64_t stride);
struct MutableBlock {
  float* first;
  int64_t stride;
  int64_t rows, columns;
};

/// to[c] (+)= the sum over rows of weight x from[r][c], in order of rows; weight 1 when null.
void sum_rows(const Block& from, const float* weight, bool add, float* to);
/// rows[r][c] += values[c], or values[r].
void add_to_rows(const float* values, const MutableBlock& rows);
void add_to_columns(const float* values, const MutableBlock& rows);

/// to[c] += factor x row[c].
void add_scaled(const float* row, float factor, int64_t width, float* to);

/// to[i] = row token_N[i] of x_TD; rows n .. padded - 1 become zero. Whole rows of `width` values.
struct Gather {
  const float* x_TD;
  const int64_t* token_N;
  int64_t rows, padded, width;
};
void gather_rows(const Gather& gather, float* to);
/// The same rows as panels: those of panel q begin at to + q * kPanel * padded and have its width.
void gather_panels(const Gather& gather, float* to);

/// Panel p of a transposed matrix_OI, [inputs, panel_width]: its rows 64 p .. as columns. For y = x W^T.
inline void pack_transposed(const float* matrix_OI, int64_t outputs, int64_t inputs, int64_t p, float* to,
                            int64_t stride) {
  transpose({matrix_OI + p * kPanel * inputs, inputs, panel_width(outputs, p), inputs}, to, stride);
}
/// Panel q of matrix_OI as it is, [outputs, panel_width]: its columns 64 q .. For dx = dy W.
inline void pack_columns(const float* matrix_OI, int64_t outputs, int64_t inputs, int64_t q, float* to,
                         int64_t stride) {
  copy({matrix_OI + q * kPanel, inputs, outputs, panel_width(inputs, q)}, to, stride);
}

/// tile_gemm() for any number of rows of A.
void rows_gemm(const TileShape& shape, bool add, const float* a, const float* b, float* c);

struct PanelGemm {
  const float* matrix_OI;
  const float* panels;  // pack_panels() of it; null: panel p is packed into `packed`, [inputs, width], first
  int64_t outputs, inputs;
};
struct Rows {
  const float* x;  // [count, inputs]
  int64_t count;
  float* y;  // where column 64 p of the first row goes
  int64_t stride_y;
};
/// Rows times panel p of the transposed matrix.
void panel_gemm(const PanelGemm& by, int64_t p, const Rows& rows, float* packed);

}  // namespace heterodyne::ops::internal
