// Tokens of a convolutional network: the places of MobileNetV2's last feature map (Sandler et al. 2018) become tokens
// with learned positions and go through the layers of blocks/vit_layers.h, whose feed-forward parts are Mixtures of
// Experts where that is chosen. What of a pretrained network is to be kept stays frozen, with the statistics of its
// training.
//
// Letters: B images, C channels, H x W pixels, S tokens of an image, D width.
#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/feature_cache.h"
#include "heterodyne/model/blocks/learned_positions.h"
#include "heterodyne/model/blocks/mobilenet_layers.h"
#include "heterodyne/model/blocks/vit_layers.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class MobileNetTokens : public Network {
 public:
  struct Options : VitLayersOptions {
    double multiplier = 1;
    bool frozen = false;
    int64_t cache_mb = 0;
    void visit(Fields& field) {
      VitLayersOptions::visit(field);
      field("multiplier", multiplier, "MobileNetV2's published channels are multiplied by this", between(0.1, 4));
      field("frozen", frozen,
            "whether the convolutions learn nothing and normalise with the statistics that they have; those of "
            "train.start");
      field("cache_mb", cache_mb,
            "megabytes of memory at most in which features of pictures stay, so that each is computed once and not in "
            "every epoch; for pictures that come again as they were, or mirrored",
            between(0, 1 << 20), effective_when(frozen, "frozen = false"));
    }
  };

  MobileNetTokens(const Options& options, const NetworkContext& context) : options_(options), data_(context.data) {
    if (data_.is_text())
      throw ConfigError("model", "kind", "expected data of images for \"mobilenet_tokens\", got text");
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    features_ =
        std::make_unique<MobileNetLayers>(*this, MobileNetOptions{options.multiplier, 1e-3, data_.channels}, init);
    for (auto& parameter : parameters()) parameter.requires_grad_(!options.frozen);
    if (options.frozen && options.cache_mb > 0) {
      for (const auto& values : {parameters(), buffers()}) frozen_.insert(frozen_.end(), values.begin(), values.end());
      const auto compute = [this](const torch::Tensor& input) { return features_->forward(input, nullptr); };
      cache_ = std::make_unique<FeatureCache>(compute, options.cache_mb << 20);
    }
    const nn::LinearOptions narrow{features_->num_features(), D};
    project_ = register_module("project", std::make_shared<nn::Linear>(narrow, init.at("project")));
    positions_ = std::make_unique<LearnedPositions>(*this, tokens_per_example(), D, options.dropout, init);
    auto mixture = register_module("mixture", std::make_shared<torch::nn::Module>());
    layers_ = std::make_unique<VitLayers>(*mixture, options, init.at("mixture"));
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(D, options.norm_eps));
    head_ =
        register_module("head", std::make_shared<nn::Linear>(nn::LinearOptions{D, data_.num_classes}, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.mobilenet_tokens", "inputs", batch.inputs,
                {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    auto x_BSD = tokens_of(batch);
    observe(log, "project", x_BSD);
    MoePass moe(batch, log);
    x_BSD = layers_->forward(x_BSD, batch.random, moe, log);
    NetworkOutput output;
    moe.finish(output);
    output.logit_BY = head_->forward(norm_->forward(x_BSD).mean(1));
    observe(log, "head", output.logit_BY);
    return output;
  }

  void train(bool is_training) override {
    Network::train(is_training);
    if (options_.frozen) features_->train(false);
  }

  std::vector<MoeLayer*> moe_layers() override { return layers_->moe_layers(); }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const double macs =
        features_->macs(data_.height, data_.width) + static_cast<double>(tokens_per_example()) * project_->macs();
    const Cost fixed{macs, num_params(*this), 0};
    auto total = layers_->cost(tokens_per_expert, tokens_per_example());
    return total += {fixed, fixed};
  }

  int64_t tokens_per_example() const override { return token_grid().rows * token_grid().columns; }
  TokenGrid token_grid() const override {
    return {features_->output_size(data_.height), features_->output_size(data_.width)};
  }

 private:
  torch::Tensor tokens_of(const Batch& batch) const {
    const auto feature_BFHW =
        cache_ ? cache_->features_of(batch.inputs, frozen_) : features_->forward(batch.inputs, nullptr);
    const auto feature_BFS = feature_BFHW.flatten(2);
    const auto x_TD = project_->forward(feature_BFS.transpose(1, 2).reshape({-1, features_->num_features()}));
    return positions_->forward(x_TD.view({batch.size(), tokens_per_example(), options_.width}), batch.random);
  }

  Options options_;
  DataShape data_;
  std::unique_ptr<MobileNetLayers> features_;
  std::vector<torch::Tensor> frozen_;    // what they are computed with
  std::unique_ptr<FeatureCache> cache_;  // null: each time anew
  std::shared_ptr<nn::Linear> project_, head_;
  std::unique_ptr<LearnedPositions> positions_;
  std::unique_ptr<VitLayers> layers_;
  std::shared_ptr<nn::LayerNorm> norm_;
};

}  // namespace

NetworkKind network_kind_mobilenet_tokens() {
  return network_kind<MobileNetTokens>(
      "images: MobileNetV2's feature map as tokens of layers that may be Mixtures of Experts");
}

}  // namespace heterodyne
