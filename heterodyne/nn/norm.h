// Normalisations: over the features of a row, and over a batch of images.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

/// Layer normalisation with weight and bias (Ba et al. 2016), eps 1e-5. [..., width] to the same shape.
class LayerNorm : public torch::nn::Module {
 public:
  explicit LayerNorm(int64_t width);
  torch::Tensor forward(const torch::Tensor& x) const;

 private:
  torch::Tensor weight_, bias_;
};

/// Batch normalisation of [B, channels, H, W] (Ioffe and Szegedy 2015), eps 1e-5, momentum 0.1. In train mode it
/// normalises by the batch and updates its running mean and variance; in eval mode it uses those.
class BatchNorm2d : public torch::nn::Module {
 public:
  explicit BatchNorm2d(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x_BCHW);

 private:
  torch::Tensor weight_, bias_, running_mean_, running_var_;
};

}  // namespace heterodyne::nn
