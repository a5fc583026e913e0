// Rows that were rounded to whole numbers, and some inputs of a panel of whole numbers that they meet.
#pragma once

#include <algorithm>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"

namespace heterodyne::ops::internal {

template <class Value>
struct WholeRows {
  const CompactPanel& panel;
  int64_t first, depth;  // inputs; `first` is a multiple of kScaled
  const Value* x;        // of the first row and input
  const float* x_scale;  // of the same
  int64_t stride_x, stride_scale;
  float* y;
  int64_t stride_y;

  static WholeRows of(const CompactPanel& panel, const CompactRows& rows, int64_t first, int64_t depth) {
    const int64_t floats = rounded_size(rows.rounding, panel.inputs);
    return {panel,
            first,
            depth,
            reinterpret_cast<const Value*>(rows.rounded) + first,
            rows.rounded + floats - num_scaled(panel.inputs) + first / kScaled,
            floats * static_cast<int64_t>(sizeof(float) / sizeof(Value)),
            floats,
            rows.y,
            rows.stride_y};
  }

  WholeRows from(int64_t row) const {
    WholeRows rest = *this;
    rest.x += row * stride_x;
    rest.x_scale += row * stride_scale;
    rest.y += row * stride_y;
    return rest;
  }
};

/// y of these inputs, or what they add to those before: any panel on any machine. `zero` stands for zero in x.
template <class Value>
HETERODYNE_INLINE void multiply_whole(const WholeRows<Value>& rows, int64_t count, int32_t zero) {
  const CompactPanel& panel = rows.panel;
  for (int64_t r = 0; r < count; ++r) {
    float* y = rows.y + r * rows.stride_y;
    if (rows.first == 0) std::fill(y, y + panel.width, 0.0F);
    for (int64_t first = 0; first < rows.depth; first += kScaled) {
      const int64_t end = std::min(first + kScaled, rows.depth);
      int32_t sum[kPanel] = {};
      for (int64_t k = first; k < end; ++k) {
        const int8_t* bytes = panel.bytes + (rows.first + k) * panel.columns;
        const int32_t value = rows.x[r * rows.stride_x + k] - zero;
        for (int64_t c = 0; c < panel.columns; ++c) sum[c] += value * bytes[c];
      }
      float scale[kPanel];
      scales_at(panel, rows.first + first, scale);
      const float x_scale = rows.x_scale[r * rows.stride_scale + first / kScaled];
      for (int64_t c = 0; c < panel.width; ++c) y[c] += static_cast<float>(sum[c]) * scale[c] * x_scale;
    }
  }
}

}  // namespace heterodyne::ops::internal
