#include "heterodyne/nn/dropout.h"

namespace heterodyne::nn {

Dropout::Dropout(double share, const Init& init) : share_(share), stream_("dropout." + init.name) {}

torch::Tensor Dropout::factors(RandomKey key, const torch::Tensor& row_N, int64_t width) const {
  if (!is_training() || share_ == 0) return {};
  return stream_.uniform_rows(key, row_N, width).ge_(share_).mul_(1 / (1 - share_));
}

torch::Tensor Dropout::forward(const torch::Tensor& x_NW, RandomKey key, const torch::Tensor& row_N) const {
  const auto factors_NW = factors(key, row_N, x_NW.size(1));
  return factors_NW.defined() ? x_NW * factors_NW.to(x_NW.scalar_type()) : x_NW;
}

}  // namespace heterodyne::nn
