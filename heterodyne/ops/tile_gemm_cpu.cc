#include <algorithm>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kRows = 4, kColumns = 32;  // of C held in registers

// R rows and up to kColumns columns of C; the sum over the depth has one order whatever R is.
template <int64_t R>
HETERODYNE_INLINE void block(const TileShape& shape, bool add, const float* a, const float* b, float* c,
                             int64_t columns) {
  float sum[R][kColumns] = {};
  if (add) {
    for (int64_t r = 0; r < R; ++r) {
      for (int64_t j = 0; j < columns; ++j) sum[r][j] = c[r * shape.stride_c + j];
    }
  }
  if (columns == kColumns) {
    for (int64_t k = 0; k < shape.depth; ++k) {
      for (int64_t r = 0; r < R; ++r) {
        for (int64_t j = 0; j < kColumns; ++j) sum[r][j] += a[r * shape.stride_a + k] * b[k * shape.stride_b + j];
      }
    }
  } else {
    for (int64_t k = 0; k < shape.depth; ++k) {
      for (int64_t r = 0; r < R; ++r) {
        for (int64_t j = 0; j < columns; ++j) sum[r][j] += a[r * shape.stride_a + k] * b[k * shape.stride_b + j];
      }
    }
  }
  for (int64_t r = 0; r < R; ++r) {
    for (int64_t j = 0; j < columns; ++j) c[r * shape.stride_c + j] = sum[r][j];
  }
}

}  // namespace

HETERODYNE_CLONES void tile_gemm_generic(const TileShape& shape, bool add, const float* a, const float* b, float* c) {
  for (int64_t j = 0; j < shape.columns; j += kColumns) {
    const int64_t columns = std::min(kColumns, shape.columns - j);
    int64_t r = 0;
    for (; r + kRows <= shape.rows; r += kRows) {
      block<kRows>(shape, add, a + r * shape.stride_a, b + j, c + r * shape.stride_c + j, columns);
    }
    for (; r < shape.rows; ++r) {
      block<1>(shape, add, a + r * shape.stride_a, b + j, c + r * shape.stride_c + j, columns);
    }
  }
}

}  // namespace heterodyne::ops::internal
