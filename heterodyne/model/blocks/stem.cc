#include "heterodyne/model/blocks/stem.h"

#include <ATen/ops/relu.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"

namespace heterodyne {
namespace {

// [B, D, h, w] to [B, h w, D].
torch::Tensor tokens_of(const torch::Tensor& x_BDhw) { return x_BDhw.flatten(2).transpose(1, 2).contiguous(); }

}  // namespace

PatchStem::PatchStem(const DataShape& data, int64_t width, int64_t patch, const Init& init) {
  if (data.height % patch != 0 || data.width % patch != 0) {
    throw ConfigError(
        "model", "patch",
        fmt::format("expected a divisor of the image's {} x {} pixels, got {}", data.height, data.width, patch));
  }
  columns_ = data.width / patch;
  num_tokens_ = (data.height / patch) * columns_;
  conv_ = register_module(
      "conv", std::make_shared<nn::Conv2d>(nn::ConvOptions{data.channels, width, patch, patch}, init.at("conv")));
}

torch::Tensor PatchStem::forward(const torch::Tensor& x_BCHW) { return tokens_of(conv_->forward(x_BCHW)); }

ConvStem::ConvStem(const DataShape& data, int64_t width, const Init& init, int64_t convs) {
  int64_t channels = data.channels, height = data.height, columns = data.width;
  for (int64_t left = convs; left-- > 0;) {
    const int64_t out = std::max<int64_t>(1, width >> left);
    const std::string number = std::to_string(convs_.size());
    // No bias: the normalisation behind it has one.
    const nn::ConvOptions shape{channels, out, 3, 2, 1, false, nn::Scheme::kHeNormal};
    convs_.push_back(register_module("conv" + number, std::make_shared<nn::Conv2d>(shape, init.at("conv" + number))));
    norms_.push_back(register_module("norm" + number, std::make_shared<nn::BatchNorm2d>(out)));
    height = convs_.back()->output_size(height);
    columns = convs_.back()->output_size(columns);
    macs_ += convs_.back()->macs_per_position() * static_cast<double>(height * columns);
    channels = out;
  }
  columns_ = columns;
  num_tokens_ = height * columns;
}

torch::Tensor ConvStem::forward(const torch::Tensor& x_BCHW) {
  auto x = x_BCHW;
  for (size_t i = 0; i < convs_.size(); ++i) x = at::relu(norms_[i]->forward(convs_[i]->forward(x)));
  return tokens_of(x);
}

SymbolStem::SymbolStem(const DataShape& data, int64_t width, const Init& init)
    : length_(data.length), scale_(std::sqrt(static_cast<double>(width))) {
  embedding_ =
      register_module("embedding", std::make_shared<nn::Embedding>(data.vocabulary, width, init.at("embedding")));
}

torch::Tensor SymbolStem::forward(const torch::Tensor& symbol_BS) {
  check_shape("model", "inputs", symbol_BS, {"B", "S"});
  if (symbol_BS.size(1) > length_)
    throw ShapeError("model", fmt::format("inputs: expected at most data.length = {} symbols of a text, got {}",
                                          length_, symbol_BS.size(1)));
  return embedding_->forward(symbol_BS) * scale_;
}

std::shared_ptr<Stem> ImageStemSettings::make(const DataShape& data, int64_t width, const Init& init) const {
  if (stem == "patch") return std::make_shared<PatchStem>(data, width, patch, init);
  return std::make_shared<ConvStem>(data, width, init, convs);
}

}  // namespace heterodyne
