// MobileNetV2 (Sandler et al. 2018, table 2): blocks that widen a picture's channels, filter each by itself and narrow
// them again, with a residual where the shape stays. Padding is "same": the output of a stride of 2 has ceil(n / 2)
// rows, and an odd row of zeros lies at the end.
//
// Letters: B pictures, C channels, H x W pixels, Y classes.
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

struct BlockShape {
  int64_t inputs, hidden, outputs, stride;
};

// A multiple of 8 near the number, never less than 0.9 of it.
int64_t channels_of(double wanted) {
  const auto whole = std::max<int64_t>(8, static_cast<int64_t>(wanted + 4) / 8 * 8);
  return static_cast<double>(whole) < 0.9 * wanted ? whole + 8 : whole;
}

// A convolution without bias, batch normalisation and, where asked for, ReLU6.
class ConvNorm : public torch::nn::Module {
 public:
  struct Shape {
    int64_t inputs, outputs, kernel, stride;
    bool is_depthwise, has_activation;
  };

  ConvNorm(const Shape& shape, double eps, const Init& init) : shape_(shape) {
    const int64_t inputs = shape.is_depthwise ? 1 : shape.inputs;
    weight_ = register_parameter("weight", nn::initial_weight(nn::Scheme::kHeNormal, init.at("weight"),
                                                              {shape.outputs, inputs, shape.kernel, shape.kernel}));
    norm_ = register_module("norm", std::make_shared<nn::BatchNorm2d>(shape.outputs, eps));
  }

  torch::Tensor forward(const torch::Tensor& x_BCHW) const {
    const int64_t top = before(x_BCHW.size(2)), left = before(x_BCHW.size(3));
    const int64_t bottom = total(x_BCHW.size(2)) - top, right = total(x_BCHW.size(3)) - left;
    const auto padded = at::constant_pad_nd(x_BCHW, {left, right, top, bottom}, 0);
    const int64_t padding = 0, dilation = 1, groups = shape_.is_depthwise ? shape_.inputs : 1;
    auto y = at::conv2d(padded, weight_, torch::Tensor(), shape_.stride, padding, dilation, groups);
    y = norm_->forward(y);
    return shape_.has_activation ? y.clamp(0, 6) : y;
  }

  int64_t output_size(int64_t size) const { return (size + shape_.stride - 1) / shape_.stride; }
  double macs_per_position() const { return static_cast<double>(weight_.numel()); }

 private:
  // Rows of zeros in all, and how many of them come first.
  int64_t total(int64_t size) const {
    return std::max<int64_t>(0, (output_size(size) - 1) * shape_.stride + shape_.kernel - size);
  }
  int64_t before(int64_t size) const { return total(size) / 2; }

  Shape shape_;
  torch::Tensor weight_;
  std::shared_ptr<nn::BatchNorm2d> norm_;
};

class MobileNetV2 : public Network {
 public:
  struct Options {
    double multiplier = 1;
    double norm_eps = 1e-3;
    std::string output = "classes";
    int64_t classes = 0;
    void visit(Fields& field) {
      field("multiplier", multiplier, "the published channels are multiplied by this", between(0.1, 4));
      field("norm_eps", norm_eps, "added to the variance in each normalisation", more_than(0));
      field("output", output, "logits of classes, or the features that they would be made of",
            one_of("classes", "features"));
      field("classes", classes, "how many there are; 0: as many as the data has", at_least(0),
            effective_when(output == "classes", "output is not \"classes\""));
    }
  };

  MobileNetV2(const Options& options, const NetworkContext& context) : options_(options), data_(context.data) {
    if (context.data.is_text())
      throw ConfigError("model", "kind", "expected data of images for \"mobilenet_v2\", got text");
    const Init init{context.seed, ""};
    const int64_t stem = channels_of(32 * options.multiplier);
    layers_.push_back({{add(*this, "stem", {data_.channels, stem, 3, 2, false, true}, init)}});
    const int64_t first = channels_of(16 * options.multiplier);
    blocks_ = register_module("blocks", std::make_shared<torch::nn::Module>());
    add_block({stem, stem, first, 1}, init);
    int64_t inputs = first;
    for (const auto& [published, count, stride] :
         {std::array<int64_t, 3>{24, 2, 2}, {32, 3, 2}, {64, 4, 2}, {96, 3, 1}, {160, 3, 2}, {320, 1, 1}}) {
      const int64_t outputs = channels_of(static_cast<double>(published) * options.multiplier);
      for (int64_t i = 0; i < count; ++i) {
        add_block({inputs, 6 * inputs, outputs, i == 0 ? stride : 1}, init);
        inputs = outputs;
      }
    }
    const int64_t features = options.multiplier > 1 ? channels_of(1280 * options.multiplier) : 1280;
    layers_.push_back({{add(*this, "last", {inputs, features, 1, 1, false, true}, init)}});
    if (options.output != "classes") return;
    const nn::LinearOptions shape{features, options.classes > 0 ? options.classes : data_.num_classes};
    head_ = register_module("head", std::make_shared<nn::Linear>(shape, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.mobilenet_v2", "inputs", batch.inputs, {"B", {"C", data_.channels}, "H", "W"});
    auto x_BCHW = batch.inputs;
    for (size_t i = 0; i < layers_.size(); ++i) {
      auto y_BCHW = x_BCHW;
      for (const auto& part : layers_[i].parts) y_BCHW = part->forward(y_BCHW);
      x_BCHW = layers_[i].has_residual ? x_BCHW + y_BCHW : y_BCHW;
      observe(log, fmt::format("layers.{}", i), x_BCHW);
    }
    NetworkOutput output;
    const auto feature_BD = x_BCHW.mean({2, 3});
    output.logit_BY = head_ ? head_->forward(feature_BD) : feature_BD;
    observe(log, "head", output.logit_BY);
    return output;
  }

  CostPair cost(const std::vector<std::vector<double>>&) override {
    int64_t height = data_.height, width = data_.width;
    double macs = 0;
    for (const auto& layer : layers_) {
      for (const auto& part : layer.parts) {
        height = part->output_size(height), width = part->output_size(width);
        macs += part->macs_per_position() * static_cast<double>(height * width);
      }
    }
    const Cost all{macs, num_params(*this), 0};
    return {all, all};
  }

  int64_t tokens_per_example() const override { return 1; }

 private:
  struct Layer {
    std::vector<std::shared_ptr<ConvNorm>> parts;  // one after the other
    bool has_residual = false;
  };

  std::shared_ptr<ConvNorm> add(torch::nn::Module& owner, const std::string& name, const ConvNorm::Shape& shape,
                                const Init& init) const {
    return owner.register_module(name, std::make_shared<ConvNorm>(shape, options_.norm_eps, init.at(name)));
  }

  void add_block(const BlockShape& shape, const Init& init) {
    const std::string number = std::to_string(layers_.size() - 1);
    auto block = blocks_->register_module(number, std::make_shared<torch::nn::Module>());
    const Init own = init.at("blocks").at(number);
    Layer layer;
    const auto part = [&](const char* name, const ConvNorm::Shape& conv) {
      layer.parts.push_back(add(*block, name, conv, own));
    };
    if (shape.hidden > shape.inputs) part("widen", {shape.inputs, shape.hidden, 1, 1, false, true});
    part("filter", {shape.hidden, shape.hidden, 3, shape.stride, true, true});
    part("narrow", {shape.hidden, shape.outputs, 1, 1, false, false});
    layer.has_residual = shape.stride == 1 && shape.inputs == shape.outputs;
    layers_.push_back(std::move(layer));
  }

  Options options_;
  DataShape data_;
  std::shared_ptr<torch::nn::Module> blocks_;
  std::vector<Layer> layers_;         // stem, blocks, last
  std::shared_ptr<nn::Linear> head_;  // null where features are wanted
};

}  // namespace

NetworkKind network_kind_mobilenet_v2() {
  return network_kind<MobileNetV2>("images: MobileNetV2, for its pretrained features");
}

}  // namespace heterodyne
