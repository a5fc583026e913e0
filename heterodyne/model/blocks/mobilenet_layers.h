// The convolutions of MobileNetV2 (Sandler et al. 2018, table 2): blocks that widen a picture's channels, filter each
// by itself and narrow them again, with a residual where the shape stays. Padding is "same": the output of a stride of
// 2 has ceil(n / 2) rows, and an odd row of zeros lies at the end.
//
// Letters: B pictures, C channels, H x W pixels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/layer/routing.h"
#include "heterodyne/nn/init.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {

/// A convolution without bias, batch normalisation and, where asked for, ReLU6.
class ConvNorm : public torch::nn::Module {
 public:
  struct Shape {
    int64_t inputs, outputs, kernel, stride;
    bool is_depthwise, has_activation;
  };

  ConvNorm(const Shape& shape, double eps, const Init& init);
  torch::Tensor forward(const torch::Tensor& x_BCHW) const;
  int64_t output_size(int64_t size) const { return (size + shape_.stride - 1) / shape_.stride; }
  double macs_per_position() const { return static_cast<double>(weight_.numel()); }

 private:
  int64_t total(int64_t size) const;
  int64_t before(int64_t size) const { return total(size) / 2; }

  Shape shape_;
  torch::Tensor weight_;
  std::shared_ptr<nn::BatchNorm2d> norm_;
};

struct MobileNetOptions {
  double multiplier = 1;  // of the published channels
  double norm_eps = 1e-3;
  int64_t channels = 3;  // of the pictures
};

class MobileNetLayers {
 public:
  /// Registers modules "stem", "blocks" and "last" in `parent`, whose name is that of `init`.
  MobileNetLayers(torch::nn::Module& parent, const MobileNetOptions& options, const Init& init);

  /// The last feature map, [B, num_features(), H / 32, W / 32] rounded up. `log` (may be null) sees "layers.N".
  torch::Tensor forward(const torch::Tensor& x_BCHW, RoutingLog* log) const;
  int64_t num_features() const { return num_features_; }
  /// Along a side of this size.
  int64_t output_size(int64_t size) const;
  /// Multiply-adds of a picture.
  double macs(int64_t height, int64_t width) const;
  /// Batch normalisation with the statistics of this batch, or with those that it keeps.
  void train(bool is_training) const;

 private:
  struct Layer {
    std::vector<std::shared_ptr<ConvNorm>> parts;  // one after the other
    bool has_residual = false;
  };
  struct BlockShape {
    int64_t inputs, hidden, outputs, stride;
  };
  std::shared_ptr<ConvNorm> add(torch::nn::Module& owner, const std::string& name, const ConvNorm::Shape& shape,
                                const Init& init) const;
  void add_block(const BlockShape& shape, const Init& init);

  double norm_eps_;
  int64_t num_features_;
  std::shared_ptr<torch::nn::Module> blocks_;
  std::vector<Layer> layers_;  // stem, blocks, last
};

}  // namespace heterodyne
