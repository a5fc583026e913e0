#include "heterodyne/model/blocks/mobilenet_layers.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace heterodyne {
namespace {

// A multiple of 8 near the number, never less than 0.9 of it.
int64_t channels_of(double wanted) {
  const auto whole = std::max<int64_t>(8, static_cast<int64_t>(wanted + 4) / 8 * 8);
  return static_cast<double>(whole) < 0.9 * wanted ? whole + 8 : whole;
}

}  // namespace

ConvNorm::ConvNorm(const Shape& shape, double eps, const Init& init) : shape_(shape) {
  const int64_t inputs = shape.is_depthwise ? 1 : shape.inputs;
  weight_ = register_parameter("weight", nn::initial_weight(nn::Scheme::kHeNormal, init.at("weight"),
                                                            {shape.outputs, inputs, shape.kernel, shape.kernel}));
  norm_ = register_module("norm", std::make_shared<nn::BatchNorm2d>(shape.outputs, eps));
}

torch::Tensor ConvNorm::forward(const torch::Tensor& x_BCHW) const {
  const int64_t top = before(x_BCHW.size(2)), left = before(x_BCHW.size(3));
  const int64_t bottom = total(x_BCHW.size(2)) - top, right = total(x_BCHW.size(3)) - left;
  const auto padded = at::constant_pad_nd(x_BCHW, {left, right, top, bottom}, 0);
  const int64_t padding = 0, dilation = 1, groups = shape_.is_depthwise ? shape_.inputs : 1;
  auto y = at::conv2d(padded, weight_, torch::Tensor(), shape_.stride, padding, dilation, groups);
  y = norm_->forward(y);
  return shape_.has_activation ? y.clamp(0, 6) : y;
}

// Rows of zeros in all, and how many of them come first.
int64_t ConvNorm::total(int64_t size) const {
  return std::max<int64_t>(0, (output_size(size) - 1) * shape_.stride + shape_.kernel - size);
}

MobileNetLayers::MobileNetLayers(torch::nn::Module& parent, const MobileNetOptions& options, const Init& init)
    : norm_eps_(options.norm_eps),
      num_features_(options.multiplier > 1 ? channels_of(1280 * options.multiplier) : 1280) {
  const int64_t stem = channels_of(32 * options.multiplier);
  layers_.push_back({{add(parent, "stem", {options.channels, stem, 3, 2, false, true}, init)}});
  const int64_t first = channels_of(16 * options.multiplier);
  blocks_ = parent.register_module("blocks", std::make_shared<torch::nn::Module>());
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
  layers_.push_back({{add(parent, "last", {inputs, num_features_, 1, 1, false, true}, init)}});
}

torch::Tensor MobileNetLayers::forward(const torch::Tensor& picture_BCHW, RoutingLog* log) const {
  auto x_BCHW = picture_BCHW.contiguous(at::MemoryFormat::ChannelsLast);  // no rearranging around each convolution
  for (size_t i = 0; i < layers_.size(); ++i) {
    auto y_BCHW = x_BCHW;
    for (const auto& part : layers_[i].parts) y_BCHW = part->forward(y_BCHW);
    x_BCHW = layers_[i].has_residual ? x_BCHW + y_BCHW : y_BCHW;
    observe(log, fmt::format("layers.{}", i), x_BCHW);
  }
  return x_BCHW;
}

int64_t MobileNetLayers::output_size(int64_t size) const {
  for (const auto& layer : layers_) {
    for (const auto& part : layer.parts) size = part->output_size(size);
  }
  return size;
}

double MobileNetLayers::macs(int64_t height, int64_t width) const {
  double macs = 0;
  for (const auto& layer : layers_) {
    for (const auto& part : layer.parts) {
      height = part->output_size(height), width = part->output_size(width);
      macs += part->macs_per_position() * static_cast<double>(height * width);
    }
  }
  return macs;
}

void MobileNetLayers::train(bool is_training) const {
  for (const auto& layer : layers_) {
    for (const auto& part : layer.parts) part->train(is_training);
  }
}

std::shared_ptr<ConvNorm> MobileNetLayers::add(torch::nn::Module& owner, const std::string& name,
                                               const ConvNorm::Shape& shape, const Init& init) const {
  return owner.register_module(name, std::make_shared<ConvNorm>(shape, norm_eps_, init.at(name)));
}

void MobileNetLayers::add_block(const BlockShape& shape, const Init& init) {
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

}  // namespace heterodyne
