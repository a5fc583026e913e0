#include "heterodyne/ops/conv_gelu_conv_cpu.h"

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

// out[d] = start + sum_k w[k] padded[d + k]
template <class Scalar>
HETERODYNE_INLINE void correlate(const Scalar* padded, const Scalar* w, int64_t kernel, Scalar start, int64_t width,
                                 Scalar* out) {
  for (int64_t d = 0; d < width; ++d) out[d] = start;
  for (int64_t k = 0; k < kernel; ++k) {
    for (int64_t d = 0; d < width; ++d) out[d] += w[k] * padded[d + k];
  }
}

// out[d] += sum_k w[k] padded[d + K - 1 - k]: the way back of a correlation.
template <class Scalar>
HETERODYNE_INLINE void add_convolved(const Scalar* padded, const Scalar* w, int64_t kernel, int64_t width,
                                     Scalar* out) {
  for (int64_t k = 0; k < kernel; ++k) {
    for (int64_t d = 0; d < width; ++d) out[d] += w[k] * padded[d + kernel - 1 - k];
  }
}

// Copies a row into the middle of a buffer whose ends are zero.
template <class Scalar>
HETERODYNE_INLINE const Scalar* padded(const Scalar* row, int64_t width, int64_t kernel, Scalar* buffer) {
  for (int64_t d = 0; d < kernel / 2; ++d) buffer[d] = buffer[width + kernel / 2 + d] = 0;
  for (int64_t d = 0; d < width; ++d) buffer[kernel / 2 + d] = row[d];
  return buffer;
}

template <class Scalar>
HETERODYNE_INLINE void forward_rows(const ConvGeluConv<Scalar>& op, const ConvGeluConvRows<Scalar>& rows) {
  const int64_t D = op.width, K = op.kernel, stride = D + 2 * K;
  Scalar *x_padded = rows.scratch, *hidden_padded = rows.scratch + stride, *pre = rows.scratch + 2 * stride,
         *hidden = rows.scratch + 3 * stride;
  for (int64_t row = 0; row < rows.num_rows; ++row) {
    padded(rows.x + row * D, D, K, x_padded);
    Scalar* out = rows.out + row * D;
    for (int64_t d = 0; d < D; ++d) out[d] = op.narrow_bias[0];
    for (int64_t c = 0; c < op.channels; ++c) {
      correlate(x_padded, op.widen_CK + c * K, K, op.widen_bias_C[c], D, pre);
      for (int64_t d = 0; d < D; ++d) hidden[d] = pre[d] * normal_at(pre[d]).cumulated;
      padded(hidden, D, K, hidden_padded);
      for (int64_t k = 0; k < K; ++k) {
        const Scalar w = op.narrow_CK[c * K + k];
        for (int64_t d = 0; d < D; ++d) out[d] += w * hidden_padded[d + k];
      }
    }
  }
}

template <class Scalar>
HETERODYNE_INLINE void backward_rows(const ConvGeluConv<Scalar>& op, const ConvGeluConvRows<Scalar>& rows) {
  const int64_t D = op.width, K = op.kernel, C = op.channels, stride = D + 2 * K;
  Scalar *x_padded = rows.scratch, *dy_padded = rows.scratch + stride, *hidden = rows.scratch + 2 * stride,
         *hidden_padded = rows.scratch + 3 * stride;
  Scalar *slope = rows.scratch + 4 * stride, *dhidden = rows.scratch + 5 * stride,
         *dpre_padded = rows.scratch + 6 * stride, *pre = rows.scratch + 7 * stride;
  Scalar *dwiden = rows.dweights, *dwiden_bias = dwiden + C * K, *dnarrow = dwiden_bias + C,
         *dnarrow_bias = dnarrow + C * K;
  for (int64_t row = 0; row < rows.num_rows; ++row) {
    const Scalar* dy = rows.dy + row * D;
    padded(rows.x + row * D, D, K, x_padded);
    padded(dy, D, K, dy_padded);
    Scalar* dx = rows.out + row * D;
    for (int64_t d = 0; d < D; ++d) dx[d] = 0;
    dnarrow_bias[0] += sum_of(dy, D);
    for (int64_t c = 0; c < C; ++c) {
      const Scalar *widen = op.widen_CK + c * K, *narrow = op.narrow_CK + c * K;
      correlate(x_padded, widen, K, op.widen_bias_C[c], D, pre);
      for (int64_t d = 0; d < D; ++d) {
        const auto normal = normal_at(pre[d]);
        hidden[d] = pre[d] * normal.cumulated;
        slope[d] = normal.cumulated + pre[d] * normal.density;
      }
      padded(hidden, D, K, hidden_padded);
      for (int64_t k = 0; k < K; ++k) dnarrow[c * K + k] += dot(dy, hidden_padded + k, D);
      for (int64_t d = 0; d < D; ++d) dhidden[d] = 0;
      add_convolved(dy_padded, narrow, K, D, dhidden);
      for (int64_t d = 0; d < D; ++d) dhidden[d] *= slope[d];
      padded(dhidden, D, K, dpre_padded);
      dwiden_bias[c] += sum_of(dhidden, D);
      for (int64_t k = 0; k < K; ++k) dwiden[c * K + k] += dot(dhidden, x_padded + k, D);
      add_convolved(dpre_padded, widen, K, D, dx);
    }
  }
}

}  // namespace

HETERODYNE_CLONES void conv_gelu_conv_forward(const ConvGeluConv<float>& op, const ConvGeluConvRows<float>& rows) {
  forward_rows(op, rows);
}

HETERODYNE_CLONES void conv_gelu_conv_forward(const ConvGeluConv<double>& op, const ConvGeluConvRows<double>& rows) {
  forward_rows(op, rows);
}

HETERODYNE_CLONES void conv_gelu_conv_backward(const ConvGeluConv<float>& op, const ConvGeluConvRows<float>& rows) {
  backward_rows(op, rows);
}

HETERODYNE_CLONES void conv_gelu_conv_backward(const ConvGeluConv<double>& op, const ConvGeluConvRows<double>& rows) {
  backward_rows(op, rows);
}

}  // namespace heterodyne::ops::internal
