#include "heterodyne/nn/conv.h"

#include <ATen/ops/conv2d.h>

namespace heterodyne::nn {

Conv2d::Conv2d(const ConvOptions& options, const Init& init) : options_(options) {
  const int64_t k = options.kernel;
  weight_ = register_parameter(
      "weight", initial_weight(options.scheme, init.at("weight"), {options.out_channels, options.in_channels, k, k}));
  if (!options.bias) return;
  bias_ = register_parameter(
      "bias", initial_bias(options.scheme, init.at("bias"), options.out_channels, options.in_channels * k * k));
}

torch::Tensor Conv2d::forward(const torch::Tensor& x_BCHW) const {
  return at::conv2d(x_BCHW, weight_, bias_, options_.stride, options_.padding);
}

int64_t Conv2d::output_size(int64_t input_size) const {
  return (input_size + 2 * options_.padding - options_.kernel) / options_.stride + 1;
}

}  // namespace heterodyne::nn
