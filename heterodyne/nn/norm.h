// Normalisations: over the features of a row, and over a batch of images.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::nn {

/// Layer normalisation with weight and bias (Ba et al. 2016). [..., width] to the same shape.
class LayerNorm : public torch::nn::Module {
 public:
  explicit LayerNorm(int64_t width, double eps = 1e-5);
  torch::Tensor forward(const torch::Tensor& x) const;

 private:
  double eps_;
  torch::Tensor weight_, bias_;
};

/// Root mean square normalisation (Zhang and Sennrich 2019, equation 4): x / sqrt(mean(x^2) + eps) times a weight that
/// starts at one. [..., width] to the same shape.
class RmsNorm : public torch::nn::Module {
 public:
  explicit RmsNorm(int64_t width, double eps = 1e-5);
  torch::Tensor forward(const torch::Tensor& x) const;

 private:
  double eps_;
  torch::Tensor weight_;
};

/// Batch normalisation of [B, channels, H, W] (Ioffe and Szegedy 2015), momentum 0.1. In train mode it
/// normalises by the batch and updates its running mean and variance; in eval mode it uses those. So it does in train
/// mode too where its weight requires no gradient, as of a frozen part of a network, and where a channel has fewer than
/// two values, which have no variance.
class BatchNorm2d : public torch::nn::Module {
 public:
  explicit BatchNorm2d(int64_t channels, double eps = 1e-5);
  torch::Tensor forward(const torch::Tensor& x_BCHW);

 private:
  double eps_;
  torch::Tensor weight_, bias_, running_mean_, running_var_;
};

}  // namespace heterodyne::nn
