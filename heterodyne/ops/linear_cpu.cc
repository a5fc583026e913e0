#include "heterodyne/ops/linear_cpu.h"

#include <algorithm>

#include "heterodyne/ops/rows/streamed_gemm_cpu.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kDepth = 512;  // of a block of A and of a panel

}  // namespace

void panel_product(const PanelProduct& product, int64_t begin, int64_t end) {
  for (int64_t k = 0; k < product.depth; k += kDepth) {
    const int64_t depth = std::min(kDepth, product.depth - k);
    for (int64_t p = begin; p < end; ++p) {
      const int64_t width = panel_width(product.columns, p);
      const float* panel = product.panels + p * kPanel * product.depth + k * width;
      const TileShape shape{product.rows, width, depth, product.depth, width, product.columns};
      (width == kPanel ? streamed_gemm : rows_gemm)(shape, k > 0, product.a + k, panel, product.y + p * kPanel);
    }
  }
  if (product.bias == nullptr) return;
  const int64_t first = begin * kPanel, last = std::min(end * kPanel, product.columns);
  add_to_rows(product.bias + first, {product.y + first, product.columns, product.rows, last - first});
}

void weight_gradient(const WeightGradient& gradient, int64_t p, float* work) {
  const int64_t I = gradient.inputs, O = gradient.outputs, W = panel_width(O, p);
  for (int64_t first = 0; first < gradient.rows; first += kLinearRows) {
    const int64_t n = std::min(kLinearRows, gradient.rows - first), R = round_to_8(n);
    const Block dy{gradient.dy_NO + first * O + p * kPanel, O, n, W};
    if (gradient.dmatrix_OI) {
      transpose_padded(dy, R, work);
      for (int64_t q = 0; q < num_panels(I); ++q) {
        const int64_t width = panel_width(I, q);
        tile_gemm({W, width, R, R, width, I}, first > 0, work, gradient.x_panels + first * I + q * kPanel * R,
                  gradient.dmatrix_OI + p * kPanel * I + q * kPanel);
      }
    }
    if (gradient.dbias_O) sum_rows(dy, nullptr, first > 0, gradient.dbias_O + p * kPanel);
  }
}

}  // namespace heterodyne::ops::internal
