// DenseNet with bottlenecks and compression (Huang et al. 2017, "Densely connected convolutional networks", section 3)
// for small images: every layer reads the maps of all layers before it in its block.
//
// The first convolution is 3 x 3 with stride 1. With blocks = [6, 12, 24, 16], growth = 32, initial_channels = 64 and
// `pool` it is DenseNet-121 as adapted for images of 32 x 32. Parts are named as in torchvision: features.conv0,
// features.denseblock1.denselayer1.norm1, features.transition1.conv, features.norm5.
//
// Letters: B images, C channels, H x W pixels.
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/max_pool2d.h>
#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/conv_network.h"
#include "heterodyne/nn/conv.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

// Normalisation, ReLU, then a convolution without a bias.
class NormConv {
 public:
  struct Names {
    std::string norm, conv;
  };

  NormConv(const Names& names, const nn::ConvOptions& options, torch::nn::Module& owner, const Init& init)
      : norm_(owner.register_module(names.norm, std::make_shared<nn::BatchNorm2d>(options.in_channels))),
        conv_(owner.register_module(names.conv, std::make_shared<nn::Conv2d>(options, init.at(names.conv)))) {}

  torch::Tensor forward(const torch::Tensor& x_BCHW) const { return conv_->forward(norm_->forward(x_BCHW).relu()); }
  double macs_per_position() const { return conv_->macs_per_position(); }

 private:
  std::shared_ptr<nn::BatchNorm2d> norm_;
  std::shared_ptr<nn::Conv2d> conv_;
};

nn::ConvOptions dense_conv(int64_t inputs, int64_t outputs, int64_t kernel) {
  return {inputs, outputs, kernel, 1, kernel / 2, false, nn::Scheme::kHeNormal};
}

class DenseNetwork : public ConvNetwork {
 public:
  struct Options : ImageHeadOptions {
    int64_t growth = 12;
    std::vector<int64_t> blocks = {6, 6, 6};
    int64_t initial_channels = 24;
    int64_t bottleneck = 4;
    double compression = 0.5;
    bool pool = true;
    void visit(Fields& field) {
      field("growth", growth, "channels that each layer adds", at_least(1));
      field("blocks", blocks, "layers of each block, one block after the other", list_or_one(), between(1, 1000));
      field("initial_channels", initial_channels, "channels after the first convolution", at_least(1));
      field("bottleneck", bottleneck, "channels between a layer's two convolutions, in multiples of growth",
            at_least(1));
      field("compression", compression, "share of the channels that a transition between blocks keeps",
            between(0.05, 1));
      field("pool", pool, "whether a 3 x 3 maximum of stride 2 follows the first convolution");
      ImageHeadOptions::visit(field);
    }
  };

  DenseNetwork(const Options& options, const NetworkContext& context) : data_(context.data), pool_(options.pool) {
    const Init init{context.seed, ""}, inner = init.at("features");
    features_ = register_module("features", std::make_shared<torch::nn::Module>());
    height_ = data_.height;
    width_ = data_.width;
    stem_ = features_->register_module(
        "conv0",
        std::make_shared<nn::Conv2d>(dense_conv(data_.channels, options.initial_channels, 3), inner.at("conv0")));
    count(stem_->macs_per_position());
    stem_norm_ = features_->register_module("norm0", std::make_shared<nn::BatchNorm2d>(options.initial_channels));
    if (pool_) shrink([](int64_t size) { return (size + 1) / 2; });
    channels_ = options.initial_channels;
    for (size_t b = 0; b < options.blocks.size(); ++b) {
      add_block(options, b, inner);
      if (b + 1 < options.blocks.size()) add_transition(options, b, inner);
    }
    last_norm_ = features_->register_module("norm5", std::make_shared<nn::BatchNorm2d>(channels_));
    add_head(options, {channels_, height_, width_, data_.num_classes}, macs_, init);
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.densenet", "inputs", batch.inputs,
                {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    const auto image_BCHW = batch.inputs.contiguous(at::MemoryFormat::ChannelsLast);
    auto x_BCHW = stem_norm_->forward(stem_->forward(image_BCHW)).relu();
    if (pool_) x_BCHW = at::max_pool2d(x_BCHW, {3, 3}, {2, 2}, {1, 1});
    observe(log, "features.stem", x_BCHW);
    for (size_t b = 0; b < blocks_.size(); ++b) {
      for (const auto& layer : blocks_[b])
        x_BCHW = torch::cat({x_BCHW, layer.grow.forward(layer.narrow.forward(x_BCHW))}, 1);
      observe(log, fmt::format("features.denseblock{}", b + 1), x_BCHW);
      if (b < transitions_.size()) x_BCHW = at::avg_pool2d(transitions_[b].forward(x_BCHW), {2, 2}, {2, 2});
    }
    return head().forward(last_norm_->forward(x_BCHW).relu(), batch, log);
  }

 private:
  struct DenseLayer {
    NormConv narrow, grow;  // 1 x 1, then 3 x 3
  };

  void count(double macs_per_position) { macs_ += macs_per_position * static_cast<double>(height_ * width_); }
  template <class Size>
  void shrink(const Size& size) {
    height_ = size(height_);
    width_ = size(width_);
    if (height_ > 0 && width_ > 0) return;
    throw ConfigError(
        "model.densenet", "blocks",
        fmt::format("expected fewer blocks for images of {} x {}: nothing would be left", data_.height, data_.width));
  }

  void add_block(const Options& options, size_t b, const Init& init) {
    const std::string name = fmt::format("denseblock{}", b + 1);
    auto block = features_->register_module(name, std::make_shared<torch::nn::Module>());
    auto& layers = blocks_.emplace_back();
    for (int64_t i = 0; i < options.blocks[b]; ++i) {
      const std::string part = fmt::format("denselayer{}", i + 1);
      auto layer = block->register_module(part, std::make_shared<torch::nn::Module>());
      const Init at = init.at(name).at(part);
      const int64_t narrow = options.bottleneck * options.growth;
      layers.push_back({NormConv({"norm1", "conv1"}, dense_conv(channels_, narrow, 1), *layer, at),
                        NormConv({"norm2", "conv2"}, dense_conv(narrow, options.growth, 3), *layer, at)});
      count(layers.back().narrow.macs_per_position() + layers.back().grow.macs_per_position());
      channels_ += options.growth;
    }
  }

  void add_transition(const Options& options, size_t b, const Init& init) {
    const std::string name = fmt::format("transition{}", b + 1);
    auto transition = features_->register_module(name, std::make_shared<torch::nn::Module>());
    const auto kept = std::max<int64_t>(1, static_cast<int64_t>(options.compression * static_cast<double>(channels_)));
    transitions_.emplace_back(NormConv::Names{"norm", "conv"}, dense_conv(channels_, kept, 1), *transition,
                              init.at(name));
    count(transitions_.back().macs_per_position());
    channels_ = kept;
    shrink([](int64_t size) { return size / 2; });
  }

  DataShape data_;
  bool pool_;
  int64_t height_ = 0, width_ = 0, channels_ = 0;  // of the map as it is built up; in the end of the last one
  double macs_ = 0;                                // of the convolutions
  std::shared_ptr<torch::nn::Module> features_;
  std::shared_ptr<nn::Conv2d> stem_;
  std::shared_ptr<nn::BatchNorm2d> stem_norm_, last_norm_;
  std::vector<std::vector<DenseLayer>> blocks_;
  std::vector<NormConv> transitions_;
};

}  // namespace

NetworkKind network_kind_densenet() {
  return network_kind<DenseNetwork>(
      "convolutions that read all maps before them, for small images (Huang et al. 2017)");
}

}  // namespace heterodyne
