#include "heterodyne/model/blocks/image_head.h"

namespace heterodyne {

ImageHead::ImageHead(const ImageHeadOptions& options, const Shape& shape, torch::nn::Module& network, const Init& init)
    : shape_(shape), is_on_map_(options.moe_place == "map"), width_(shape.channels) {
  const bool has_moe = !options.moe.experts.empty();
  const auto add_moe = [&](int64_t outputs) {
    auto layers = network.register_module("layers", std::make_shared<torch::nn::Module>());
    const MoeContext place{width_, outputs, init.at("layers").at("0")};
    moe_ = layers->register_module("0", std::make_shared<MoeLayer>(options.moe, place));
  };
  if (has_moe && is_on_map_) add_moe(width_);
  if (options.feature_width > 0) {
    feature_ = add_linear("feature", options.feature_width, network, init);
    width_ = options.feature_width;
  }
  if (has_moe && !is_on_map_) add_moe(shape.num_classes);
  else head_ = add_linear("head", shape.num_classes, network, init);
}

std::shared_ptr<nn::Linear> ImageHead::add_linear(const std::string& name, int64_t outputs, torch::nn::Module& network,
                                                  const Init& init) {
  return network.register_module(name, std::make_shared<nn::Linear>(nn::LinearOptions{width_, outputs}, init.at(name)));
}

NetworkOutput ImageHead::forward(const torch::Tensor& map_BCHW, const Batch& batch, RoutingLog* log) {
  MoePass moe(batch, log);
  auto x_BSD = map_BCHW.flatten(2).transpose(1, 2);
  if (moe_ && is_on_map_) {
    x_BSD = x_BSD.contiguous();
    x_BSD = x_BSD + moe.run(*moe_, x_BSD);
    observe(log, moe_->layer_name(), x_BSD);
  }
  auto x_BD = x_BSD.mean(1);
  if (feature_) x_BD = feature_->forward(x_BD);
  observe(log, "feature", x_BD);
  NetworkOutput output;
  output.logit_BY = head_ ? head_->forward(x_BD) : moe.run(*moe_, x_BD.unsqueeze(1)).squeeze(1);
  moe.finish(output);
  observe(log, "head", output.logit_BY);
  return output;
}

int64_t ImageHead::num_tokens() const { return moe_ && is_on_map_ ? shape_.height * shape_.width : 1; }

TokenGrid ImageHead::token_grid() const {
  return num_tokens() > 1 ? TokenGrid{shape_.height, shape_.width} : TokenGrid{};
}

void ImageHead::add_macs(const std::vector<std::vector<double>>& tokens_per_expert, CostPair& total) const {
  const double linear = (feature_ ? feature_->macs() : 0) + (head_ ? head_->macs() : 0);
  total.routed.macs += linear;
  total.executed.macs += linear;
  if (!moe_) return;
  const CostPair part = moe_->cost(tokens_per_expert.at(0), static_cast<double>(num_tokens()), num_tokens());
  total.routed.macs += part.routed.macs;
  total.executed.macs += part.executed.macs;
}

}  // namespace heterodyne
