// Residual network for small images (He et al. 2016, "Deep residual learning for image recognition", section 4.2): a
// 3 x 3 convolution, then stages of two-convolution blocks; each stage but the first halves the map and doubles the
// channels. Shortcuts have no parameters: where sizes change, every second place is taken and channels of zeros are
// added (option A). blocks = [3, 3, 3] is ResNet-20; [1, 1, 1] takes 12 million multiply-adds on 32 x 32.
//
// Letters: B images, C channels, H x W pixels.
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/constant_pad_nd.h>
#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/conv_network.h"
#include "heterodyne/nn/conv.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

// A convolution without a bias, then normalisation.
class ResidualConv {
 public:
  ResidualConv(const std::string& number, const nn::ConvOptions& options, torch::nn::Module& owner, const Init& init)
      : conv_(owner.register_module("conv" + number, std::make_shared<nn::Conv2d>(options, init.at("conv" + number)))),
        norm_(owner.register_module("norm" + number, std::make_shared<nn::BatchNorm2d>(options.out_channels))) {}

  torch::Tensor forward(const torch::Tensor& x_BCHW) const { return norm_->forward(conv_->forward(x_BCHW)); }
  int64_t output_size(int64_t size) const { return conv_->output_size(size); }
  double macs_per_position() const { return conv_->macs_per_position(); }

 private:
  std::shared_ptr<nn::Conv2d> conv_;
  std::shared_ptr<nn::BatchNorm2d> norm_;
};

nn::ConvOptions residual_conv(int64_t inputs, int64_t outputs, int64_t stride) {
  return {inputs, outputs, 3, stride, 1, false, nn::Scheme::kHeNormal};
}

// What the block's answer is added to. Means of single places in the place of slices: their gradients keep the channels
// last, and so do those of all that comes before.
torch::Tensor shortcut(const torch::Tensor& x_BCHW, int64_t stride, int64_t channels) {
  const auto x = stride > 1 ? at::avg_pool2d(x_BCHW, {1, 1}, {stride, stride}) : x_BCHW;
  const int64_t more = channels - x.size(1);
  return more == 0 ? x : at::constant_pad_nd(x, {0, 0, 0, 0, more / 2, more - more / 2}, 0);
}

class ResidualNetwork : public ConvNetwork {
 public:
  struct Options : ImageHeadOptions {
    std::vector<int64_t> blocks = {1, 1, 1};
    int64_t channels = 16;
    void visit(Fields& field) {
      field("blocks", blocks, "blocks of each stage, one stage after the other", list_or_one(), between(1, 1000));
      field("channels", channels, "channels of the first stage; each further one has twice as many", at_least(1));
      ImageHeadOptions::visit(field);
    }
  };

  ResidualNetwork(const Options& options, const NetworkContext& context)
      : data_(context.data), height_(data_.height), width_(data_.width), channels_(options.channels) {
    const Init init{context.seed, ""}, inner = init.at("features");
    features_ = register_module("features", std::make_shared<torch::nn::Module>());
    stem_ = std::make_unique<ResidualConv>("0", residual_conv(data_.channels, channels_, 1), *features_, inner);
    count(*stem_);
    for (size_t s = 0; s < options.blocks.size(); ++s) {
      const std::string name = fmt::format("stage{}", s + 1);
      auto stage = features_->register_module(name, std::make_shared<torch::nn::Module>());
      for (int64_t i = 0; i < options.blocks[s]; ++i)
        add_block(i == 0 && s > 0 ? 2 : 1, fmt::format("block{}", i + 1), *stage, inner.at(name));
    }
    add_head(options, {channels_, height_, width_, data_.num_classes}, macs_, init);
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.resnet", "inputs", batch.inputs,
                {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    // Channels last: the convolutions of a processor take two thirds of the time so.
    auto x_BCHW = stem_->forward(batch.inputs.contiguous(at::MemoryFormat::ChannelsLast)).relu();
    for (const auto& block : blocks_) {
      const auto y_BCHW = block.second.forward(block.first.forward(x_BCHW).relu());
      x_BCHW = (y_BCHW + shortcut(x_BCHW, block.stride, y_BCHW.size(1))).relu();
      observe(log, block.name, x_BCHW);
    }
    return head().forward(x_BCHW, batch, log);
  }

 private:
  struct Block {
    std::string name;
    int64_t stride;
    ResidualConv first, second;
  };

  // The map is then as large as the convolution leaves it.
  void count(const ResidualConv& conv) {
    height_ = conv.output_size(height_);
    width_ = conv.output_size(width_);
    macs_ += conv.macs_per_position() * static_cast<double>(height_ * width_);
  }

  void add_block(int64_t stride, const std::string& name, torch::nn::Module& stage, const Init& init) {
    auto block = stage.register_module(name, std::make_shared<torch::nn::Module>());
    const Init at = init.at(name);
    const int64_t inputs = channels_;
    channels_ *= stride;
    blocks_.push_back({at.name, stride, ResidualConv("1", residual_conv(inputs, channels_, stride), *block, at),
                       ResidualConv("2", residual_conv(channels_, channels_, 1), *block, at)});
    count(blocks_.back().first);
    count(blocks_.back().second);
  }

  DataShape data_;
  int64_t height_, width_, channels_;  // of the map as it is built up; in the end of the last one
  double macs_ = 0;                    // of the convolutions
  std::shared_ptr<torch::nn::Module> features_;
  std::unique_ptr<ResidualConv> stem_;
  std::vector<Block> blocks_;
};

}  // namespace

NetworkKind network_kind_resnet() {
  return network_kind<ResidualNetwork>("residual blocks of convolutions, for small images (He et al. 2016)");
}

}  // namespace heterodyne
