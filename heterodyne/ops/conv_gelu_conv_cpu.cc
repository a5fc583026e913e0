#include "heterodyne/ops/conv_gelu_conv_cpu.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

// exp(x) for -80 <= x <= 0 to a relative 2e-7: 2^n times a polynomial of the rest, |rest| <= ln 2 / 2.
HETERODYNE_INLINE float exp_of_negative(float x) {
  const float n = std::floor(x * std::numbers::log2e_v<float> + 0.5F);
  // ln 2 in two parts, so that n times the first is exact.
  const float rest = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float sum = 1.0F / 720;
  sum = sum * rest + 1.0F / 120;
  sum = sum * rest + 1.0F / 24;
  sum = sum * rest + 1.0F / 6;
  sum = sum * rest + 0.5F;
  sum = sum * rest + 1.0F;
  sum = sum * rest + 1.0F;
  return sum * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

// Phi, the normal distribution's cumulated probability, and phi, its density.
struct Normal {
  float cumulated, density;
};

// Abramowitz and Stegun 1964, formula 7.1.26, of x / sqrt 2; it needs the same exponential as the density.
HETERODYNE_INLINE Normal normal_at(float x) {
  const float size = std::fabs(x) < 12.0F ? std::fabs(x) : 12.0F;  // beyond, Phi is 0 or 1 in float32
  const float exponential = exp_of_negative(-0.5F * size * size);
  const float t = 1.0F / (1.0F + 0.3275911F * std::numbers::sqrt2_v<float> * 0.5F * size);
  float sum = 1.061405429F;
  sum = sum * t - 1.453152027F;
  sum = sum * t + 1.421413741F;
  sum = sum * t - 0.284496736F;
  sum = sum * t + 0.254829592F;
  const float tail = 0.5F * sum * t * exponential;  // 1 - Phi(size)
  const float cumulated = x < 0 ? tail : 1.0F - tail;
  constexpr float kInverseRoot = 0.398942280401F;  // 1 / sqrt(2 pi)
  // x - x is 0 for a number and NaN for what is none: NaN must come out again.
  return {cumulated + (x - x), kInverseRoot * exponential};
}

struct NormalDouble {
  double cumulated, density;
};

HETERODYNE_INLINE NormalDouble normal_at(double x) {
  return {0.5 * std::erfc(-x / std::numbers::sqrt2), std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi)};
}

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
