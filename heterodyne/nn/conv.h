// Convolutions over images, with initial values from named streams.
#pragma once

#include "heterodyne/nn/init.h"

namespace heterodyne::nn {

struct ConvOptions {
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  bool bias = true;
  Scheme scheme = Scheme::kUniform;
};

/// [B, in_channels, H, W] to [B, out_channels, H', W'], square kernel.
class Conv2d : public torch::nn::Module {
 public:
  Conv2d(const ConvOptions& options, const Init& init);
  torch::Tensor forward(const torch::Tensor& x_BCHW) const;

  /// Output height or width for this input height or width.
  int64_t output_size(int64_t input_size) const;
  /// Multiply-adds for one output position.
  double macs_per_position() const { return static_cast<double>(weight_.numel()); }

 private:
  ConvOptions options_;
  torch::Tensor weight_, bias_;
};

}  // namespace heterodyne::nn
