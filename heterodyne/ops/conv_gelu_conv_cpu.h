// The kernels behind conv_gelu_conv(): raw pointers, a block of rows at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

/// Sizes and weights. For Scalar float and double.
template <class Scalar>
struct ConvGeluConv {
  int64_t width;     // D
  int64_t channels;  // C
  int64_t kernel;    // K
  const Scalar* widen_CK;
  const Scalar* widen_bias_C;
  const Scalar* narrow_CK;
  const Scalar* narrow_bias;

  /// Scalars of scratch that forward() and backward() need.
  int64_t scratch_size() const { return 8 * (width + 2 * kernel); }
  /// Scalars of the gradients of all weights: widen_CK, widen_bias_C, narrow_CK, narrow_bias, one after the other.
  int64_t num_weights() const { return 2 * channels * kernel + channels + 1; }
};

/// Rows of `width`, and where results go.
template <class Scalar>
struct ConvGeluConvRows {
  int64_t num_rows;
  const Scalar* x;
  const Scalar* dy;  // backward only
  Scalar* out;       // forward: y; backward: dx
  Scalar* dweights;  // backward only: added to
  Scalar* scratch;   // scratch_size()
};

void conv_gelu_conv_forward(const ConvGeluConv<float>& op, const ConvGeluConvRows<float>& rows);
void conv_gelu_conv_forward(const ConvGeluConv<double>& op, const ConvGeluConvRows<double>& rows);
void conv_gelu_conv_backward(const ConvGeluConv<float>& op, const ConvGeluConvRows<float>& rows);
void conv_gelu_conv_backward(const ConvGeluConv<double>& op, const ConvGeluConvRows<double>& rows);

}  // namespace heterodyne::ops::internal
