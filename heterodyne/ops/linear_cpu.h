// The kernels behind linear_product(): raw pointers, a block of rows and a range of panels at a time.
//
// Letters: N rows, I inputs, O outputs, n rows of a block, R those rounded up to 8.
#pragma once

#include <cstdint>

#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops::internal {

constexpr int64_t kLinearRows = 256;  // of a block, at most

/// y[r] = a[r] B for rows of A and a range of B's panels, which lie one after the other, [depth, width] each.
struct PanelProduct {
  const float* a;
  const float* panels;
  float* y;
  int64_t rows, depth, columns;  // rows of `a` and y; stride of `a` is depth, of y columns
  const float* bias;             // added to each row of y, or null
};
/// Writes the columns of the panels [begin, end). The depth is taken in blocks that fit into a cache.
void panel_product(const PanelProduct& product, int64_t begin, int64_t end);

/// dW and db of some outputs: panel p of the columns of dy_NO with all rows of x_NI, which lie as panels of blocks of
/// kLinearRows rows: those of block b begin at b * kLinearRows * I, [R, width] each (gather_panels()).
struct WeightGradient {
  const float* dy_NO;
  const float* x_panels;
  float* dmatrix_OI;  // or null
  float* dbias_O;     // or null
  int64_t rows, inputs, outputs;
};
/// `work` holds kPanel * kLinearRows floats.
void weight_gradient(const WeightGradient& gradient, int64_t p, float* work);

}  // namespace heterodyne::ops::internal
