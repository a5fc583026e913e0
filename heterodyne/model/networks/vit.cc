// Vision transformer (Dosovitskiy et al. 2021, equations 1 to 4): patches of an image become tokens with learned
// positions; blocks of attention and a feed-forward part, each normalised before it and added to what came in; the
// feed-forward part is a Mixture of Experts in the layers that are chosen (Riquelme et al. 2021).
//
//   x += attention(norm(x));  x += feed_forward(norm(x)) or moe(norm(x));  at the end head(pool(norm(x)))
//
// The image is classified by the mean of its tokens, or by a learned token that comes before them.
//
// Letters: B images, S tokens of an image, T = B x S, D width.
#include <ATen/ops/cat.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/sparse_layers.h"
#include "heterodyne/model/blocks/stem.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/attention.h"
#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

class VitNetwork : public Network {
 public:
  struct Options {
    int64_t width = 96;
    int64_t layers = 4;
    int64_t heads = 4;
    int64_t patch = 8;
    std::string pool = "mean";
    double dropout = 0;
    SparseLayers moe;
    Member dense{Table{{"kind", "mlp"}, {"hidden", 384}}};
    void visit(Fields& field) {
      field("width", width, "features of a token", at_least(1));
      field("layers", layers, "blocks in all", between(1, 1000));
      field("heads", heads, "attention heads, a divisor of the width", at_least(1));
      field("patch", patch, "pixels along the side of a patch", at_least(1));
      field("pool", pool, "what is classified: the mean of the tokens, or a learned token before them",
            one_of("mean", "cls"));
      field("dropout", dropout, "share dropped of the attention weights, and of the tokens' features at first",
            between(0, 0.99));
      field("moe", moe, "the layers whose feed-forward part is a Mixture of Experts; none without experts");
      bool has_dense = false;
      for (int64_t l = 0; l < layers; ++l) has_dense |= !moe.contains(l);
      field("dense", dense, "the expert that is the feed-forward part of the other layers, on every token",
            member_of(experts()), effective_when(has_dense, "every layer is a Mixture of Experts"));
    }
  };

  VitNetwork(const Options& options, const NetworkContext& context) : options_(options), data_(context.data) {
    if (data_.is_text()) throw ConfigError("model", "kind", "expected data of images for \"vit\", got text");
    options.moe.check(options.layers);
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    stem_ = register_module("stem", std::make_shared<PatchStem>(data_, D, options.patch, init.at("stem")));
    const auto learned = [&](const char* name, int64_t count) {
      constexpr double kDeviation = 0.02;
      return register_parameter(name, init.at(name).stream().normal({context.seed, 0}, {count, D}) * kDeviation);
    };
    if (options.pool == "cls") class_token_1D_ = learned("class_token", 1);
    position_SD_ = learned("positions", num_tokens());
    dropout_ = register_module("dropout", std::make_shared<nn::Dropout>(options.dropout, init.at("dropout")));
    make_layers(init);
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(D));
    head_ =
        register_module("head", std::make_shared<nn::Linear>(nn::LinearOptions{D, data_.num_classes}, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.vit", "inputs", batch.inputs,
                {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    auto x_BSD = tokens_of(batch);
    observe(log, "stem", x_BSD);
    MoePass moe(batch, log);
    for (const auto& layer : layers_) {
      x_BSD = x_BSD + attention_answer(layer, x_BSD, batch.random);
      observe(log, layer.block_name, x_BSD);
      const auto input_BSD = layer.feed_forward_norm->forward(x_BSD);
      x_BSD = x_BSD + (layer.moe ? moe.run(*layer.moe, input_BSD) : dense_answer(layer, input_BSD, batch.random));
      observe(log, layer.name, x_BSD);
    }
    NetworkOutput output;
    moe.finish(output);
    x_BSD = norm_->forward(x_BSD);
    output.logit_BY = head_->forward(class_token_1D_.defined() ? x_BSD.select(1, 0) : x_BSD.mean(1));
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return moe_layers_of(layers_); }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const int64_t length = num_tokens();
    const auto S = static_cast<double>(length);
    const Cost fixed{stem_->macs(), num_params(*this), 0};
    CostPair total{fixed, fixed};
    size_t moe = 0;
    for (const auto& layer : layers_) {
      const auto part =
          layer.moe ? layer.moe->cost(tokens_per_expert.at(moe++), S, length) : layer.dense->cost({S, S, length});
      const double attention = S * (layer.attention->macs_per_row(length) + layer.attention->macs_per_token());
      total.routed.macs += part.routed.macs + attention;
      total.executed.macs += part.executed.macs + attention;
    }
    return total;
  }

  int64_t tokens_per_example() const override { return num_tokens(); }
  TokenGrid token_grid() const override {
    if (class_token_1D_.defined()) return {};  // it lies nowhere in the picture
    return {stem_->num_tokens() / stem_->columns(), stem_->columns()};
  }

 private:
  struct Layer {
    std::string name, block_name;
    std::shared_ptr<nn::LayerNorm> attention_norm, feed_forward_norm;
    std::shared_ptr<nn::Attention> attention;
    std::shared_ptr<MoeLayer> moe;  // or
    std::shared_ptr<Expert> dense;
  };

  int64_t num_tokens() const { return stem_->num_tokens() + (class_token_1D_.defined() ? 1 : 0); }

  torch::Tensor tokens_of(const Batch& batch) const {
    auto x_BSD = stem_->forward(batch.inputs);
    const int64_t B = x_BSD.size(0), D = options_.width;
    if (class_token_1D_.defined()) x_BSD = at::cat({class_token_1D_.expand({B, 1, D}), x_BSD}, 1);
    x_BSD = x_BSD + position_SD_;
    return dropout_->forward(x_BSD.reshape({-1, D}), batch.random, torch::arange(B * num_tokens()))
        .view({B, num_tokens(), D});
  }

  static torch::Tensor attention_answer(const Layer& layer, const torch::Tensor& x_BSD, RandomKey random) {
    const auto normed_BSD = layer.attention_norm->forward(x_BSD);
    const auto normed_TD = normed_BSD.flatten(0, 1);
    const auto all_T = torch::arange(normed_TD.size(0));
    return layer.attention->forward(normed_TD, all_T, normed_BSD, {}, random).view(x_BSD.sizes());
  }

  static torch::Tensor dense_answer(const Layer& layer, const torch::Tensor& x_BSD, RandomKey random) {
    const auto x_TD = x_BSD.flatten(0, 1);
    return layer.dense->forward({x_TD, torch::arange(x_TD.size(0)), x_BSD, {}, random}).view(x_BSD.sizes());
  }

  void make_layers(const Init& init) {
    const int64_t D = options_.width;
    auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
    auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
    for (int64_t l = 0; l < options_.layers; ++l) {
      const std::string number = std::to_string(l);
      const Init layer_init = init.at("layers").at(number), block_init = init.at("blocks").at(number);
      auto block = blocks->register_module(number, std::make_shared<torch::nn::Module>());
      Layer layer{layer_init.name, block_init.name, {}, {}, {}, {}, {}};
      layer.attention_norm = block->register_module("attention_norm", std::make_shared<nn::LayerNorm>(D));
      layer.attention = block->register_module(
          "attention", std::make_shared<nn::Attention>(nn::AttentionOptions{D, options_.heads, options_.dropout},
                                                       block_init.at("attention")));
      layer.feed_forward_norm = block->register_module("feed_forward_norm", std::make_shared<nn::LayerNorm>(D));
      if (options_.moe.contains(l))
        layer.moe = layers->register_module(
            number, std::make_shared<MoeLayer>(options_.moe.of(l), MoeContext{D, D, layer_init}));
      else
        layer.dense =
            layers->register_module(number, experts().make(options_.dense, ExpertContext{D, D, 0, layer_init}));
      layers_.push_back(std::move(layer));
    }
  }

  Options options_;
  DataShape data_;
  std::shared_ptr<PatchStem> stem_;
  torch::Tensor class_token_1D_, position_SD_;
  std::shared_ptr<nn::Dropout> dropout_;
  std::vector<Layer> layers_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Linear> head_;
};

}  // namespace

NetworkKind network_kind_vit() {
  return network_kind<VitNetwork>("vision transformer, its feed-forward parts dense or Mixtures of Experts");
}

}  // namespace heterodyne
