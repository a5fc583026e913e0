// DMMoE's network for an image and a text about it: patches of the image, then the tokens of the text, go through the
// same layers, each a Mixture of Experts with a residual around it, x + moe(x), or a dense expert applied to every
// token; the mean of all tokens that are no padding is classified. With an MoE layer between two transformer blocks it
// answers questions about pictures, and tells whether experts take to one of the modalities.
//
// Letters: B examples, P patches of an image, L tokens of a text, S = P + L, T = B x S, D width.
#include <ATen/ops/cat.h>

#include "heterodyne/model/blocks/dense_part.h"
#include "heterodyne/model/blocks/image_and_text.h"
#include "heterodyne/model/blocks/learned_positions.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/sparse_layers.h"
#include "heterodyne/model/blocks/stem.h"
#include "heterodyne/model/blocks/token_mean.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class ImageTextNetwork : public Network {
 public:
  struct Options {
    int64_t width = 96;
    int64_t layers = 3;
    ImageStemSettings stem{.stem = "conv"};
    double dropout = 0;
    SparseLayers moe = [] {
      SparseLayers middle;
      middle.layers = {1};
      return middle;
    }();
    Member dense{Table{{"kind", "vit_block"}, {"heads", 4}, {"hidden", 192}}};
    void visit(Fields& field) {
      field("width", width, "features of a token", at_least(1));
      field("layers", layers, "layers in all", between(1, 1000));
      stem.visit(field);
      field("dropout", dropout, "share dropped of the tokens' features before the first layer", between(0, 0.99));
      field("moe", moe, "the layers that are Mixtures of Experts; none without experts");
      bool has_dense = false;
      for (int64_t l = 0; l < layers; ++l) has_dense |= !moe.contains(l);
      field("dense", dense, "the expert that makes the other layers, on every token", member_of(experts()),
            effective_when(has_dense, "every layer is a Mixture of Experts"));
    }
  };

  ImageTextNetwork(const Options& options, const NetworkContext& context) : width_(options.width), data_(context.data) {
    check_is_paired("image_text", data_);
    options.moe.check(options.layers);
    const Init init{context.seed, ""};
    stem_ = register_module("stem", options.stem.make(data_, width_, init.at("stem")));
    word_ = register_module("word", std::make_shared<nn::Embedding>(data_.vocabulary, width_, init.at("word")));
    positions_ = std::make_unique<LearnedPositions>(*this, tokens_per_example(), width_, options.dropout, init);
    make_layers(options, init.at("layers"));
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(width_));
    head_ = register_module(
        "head", std::make_shared<nn::Linear>(nn::LinearOptions{width_, data_.num_classes}, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    const Batch tokens = with_image_tokens("image_text", data_, batch, stem_->num_tokens());
    auto x_BSD = at::cat({stem_->forward(batch.inputs), word_->forward(batch.text_BS)}, 1);
    x_BSD = positions_->forward(x_BSD, batch.random);
    observe(log, "stem", x_BSD);

    MoePass moe(tokens, log);
    for (const auto& layer : layers_) {
      x_BSD = layer.moe ? x_BSD + moe.run(*layer.moe, x_BSD)
                        : dense_answer(*layer.dense, x_BSD, tokens.mask_BS, batch.random);
      observe(log, layer.name, x_BSD);
    }
    NetworkOutput output;
    moe.finish(output);
    output.logit_BY = head_->forward(norm_->forward(mean_of_tokens(x_BSD, tokens.mask_BS)));
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return moe_layers_of(layers_); }

  /// Of an image with a text that fills its places.
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const int64_t length = tokens_per_example();
    const Cost fixed{stem_->macs(), num_params(*this), 0};
    auto total = macs_of_layers(layers_, tokens_per_expert, static_cast<double>(length), length,
                                [](const Layer&) { return 0.0; });
    return total += {fixed, fixed};
  }

  int64_t tokens_per_example() const override { return stem_->num_tokens() + data_.length; }
  TokenGrid token_grid() const override { return {stem_->num_tokens() / stem_->columns(), stem_->columns()}; }
  std::vector<TokenPart> token_parts() const override {
    return {{"image", stem_->num_tokens()}, {"text", data_.length}};
  }

 private:
  struct Layer {
    std::string name;
    std::shared_ptr<MoeLayer> moe;  // or
    std::shared_ptr<Expert> dense;
  };

  void make_layers(const Options& options, const Init& init) {
    auto modules = register_module("layers", std::make_shared<torch::nn::Module>());
    for (int64_t l = 0; l < options.layers; ++l) {
      const std::string number = std::to_string(l);
      Layer layer{init.at(number).name, nullptr, nullptr};
      if (options.moe.contains(l))
        layer.moe = modules->register_module(
            number, std::make_shared<MoeLayer>(options.moe.of(l), MoeContext{width_, width_, init.at(number)}));
      else
        layer.dense = modules->register_module(
            number, experts().make(options.dense, ExpertContext{width_, width_, 0, init.at(number)}));
      layers_.push_back(std::move(layer));
    }
  }

  int64_t width_;
  DataShape data_;
  std::shared_ptr<Stem> stem_;
  std::shared_ptr<nn::Embedding> word_;
  std::unique_ptr<LearnedPositions> positions_;
  std::vector<Layer> layers_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Linear> head_;
};

}  // namespace

NetworkKind network_kind_image_text() {
  return network_kind<ImageTextNetwork>("an image's patches and a text's tokens through layers of mixed experts", false,
                                        true);
}

}  // namespace heterodyne
