// Dropout whose draws are addressed by row: a row is dropped alike wherever it stands in the batch and whoever
// computes it, and a recomputed or resumed step drops the same values.
#pragma once

#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

class Dropout : public torch::nn::Module {
 public:
  /// `share` of the values become zero, the others are divided by 1 - share (inverted dropout). The name of `init`
  /// is the stream's. 0 <= share < 1.
  Dropout(double share, const Init& init);

  /// Factors for rows of `width` values, float32 [N, width]: 0 or 1 / (1 - share). `row_N` (int64) says which rows
  /// of the batch these are. Undefined in eval mode and when the share is 0: nothing is dropped.
  torch::Tensor factors(RandomKey key, const torch::Tensor& row_N, int64_t width) const;

  /// x_NW with those factors applied.
  torch::Tensor forward(const torch::Tensor& x_NW, RandomKey key, const torch::Tensor& row_N) const;

 private:
  double share_;
  RandomStream stream_;
};

}  // namespace heterodyne::nn
