// BERT (Devlin et al. 2019): a transformer that reads a text as a whole, with learned positions, normalised after each
// part; the feed-forward part is a Mixture of Experts in the layers that are chosen.
//
//   x = norm(word + position + type);  x = norm(x + attention(x));  x = norm(x + feed_forward(x))
//
// Letters: B sequences, S tokens of a sequence, T = B x S, D width, Y classes.
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/dense_part.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/sparse_layers.h"
#include "heterodyne/model/blocks/token_mean.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/attention.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/norm.h"
#include "heterodyne/nn/seen_tokens.h"

namespace heterodyne {
namespace {

class Bert : public Network {
 public:
  struct Options {
    int64_t width = 128;
    int64_t layers = 2;
    int64_t heads = 2;
    int64_t context = 512;
    int64_t types = 2;
    int64_t classes = 0;
    std::string output = "classes";
    double norm_eps = 1e-12;
    double dropout = 0.1;
    SparseLayers moe;
    Member dense{Table{{"kind", "mlp"}, {"hidden", 512}}};
    void visit(Fields& field) {
      field("width", width, "features of a token", at_least(1));
      field("layers", layers, "layers in all", between(1, 1000));
      field("heads", heads, "attention heads, a divisor of the width", at_least(1));
      field("context", context, "tokens of the longest text", at_least(1));
      field("types", types, "kinds of tokens: of a first and of a second text", at_least(1));
      field("output", output,
            "classes: logits, from the first token; tokens: every token's features; mean: their mean, of length one",
            one_of("classes", "tokens", "mean"));
      field("classes", classes, "how many there are; 0: as many as the data has", at_least(0),
            effective_when(output == "classes", "output is not \"classes\""));
      field("norm_eps", norm_eps, "added to the variance in each normalisation", more_than(0));
      field("dropout", dropout, "share dropped of embeddings, of attention weights and of what each part adds",
            between(0, 0.99));
      field("moe", moe, "the layers whose feed-forward part is a Mixture of Experts; none without experts");
      bool has_dense = false;
      for (int64_t l = 0; l < layers; ++l) has_dense |= !moe.contains(l);
      field("dense", dense, "the expert that is the feed-forward part of the other layers, on every token",
            member_of(experts()), effective_when(has_dense, "every layer is a Mixture of Experts"));
    }
  };

  Bert(const Options& options, const NetworkContext& context)
      : options_(options), length_(std::min(context.data.length, options.context)) {
    if (!context.data.is_text()) throw ConfigError("model", "kind", "expected data of text for \"bert\", got images");
    if (options.width % options.heads != 0)
      throw ConfigError("model", "heads",
                        fmt::format("expected a divisor of width = {}, got {}", options.width, options.heads));
    options.moe.check(options.layers);
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    const auto embedding = [&](const char* name, int64_t rows) {
      return register_module(name, std::make_shared<nn::Embedding>(rows, D, init.at(name)));
    };
    word_ = embedding("word", context.data.vocabulary);
    position_ = embedding("position", options.context);
    type_ = embedding("type", options.types);
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(D, options.norm_eps));
    dropout_ = register_module("dropout", std::make_shared<nn::Dropout>(options.dropout, init.at("dropout")));
    make_layers(init);
    pooler_ = register_module("pooler", std::make_shared<nn::Linear>(nn::LinearOptions{D, D}, init.at("pooler")));
    if (options.output != "classes") return;
    const nn::LinearOptions shape{D, options.classes > 0 ? options.classes : context.data.num_classes};
    head_ = register_module("head", std::make_shared<nn::Linear>(shape, init.at("head")));
  }

  /// inputs are token ids [B, S], all of type 0, or ids and types [B, S, 2].
  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    const bool has_types = batch.inputs.dim() == 3;
    if (has_types) check_shape("model.bert", "inputs", batch.inputs, {"B", "S", 2});
    else check_shape("model.bert", "inputs", batch.inputs, {"B", "S"});
    const auto id_BS = has_types ? batch.inputs.select(2, 0) : batch.inputs;
    const auto type_BS = has_types ? batch.inputs.select(2, 1) : torch::zeros_like(id_BS);
    const int64_t S = id_BS.size(1);
    if (S > options_.context)
      throw ShapeError("model.bert", fmt::format("inputs: expected at most context = {} tokens of a text, got {}",
                                                 options_.context, S));
    Batch tokens = batch;
    tokens.inputs = id_BS;
    auto x_BSD = word_->forward(id_BS) + position_->forward(torch::arange(S)) + type_->forward(type_BS);
    x_BSD = dropped(*dropout_, norm_->forward(x_BSD), batch);
    observe(log, "embedding", x_BSD);
    NetworkOutput output;
    MoePass moe(tokens, log);
    for (const auto& layer : layers_) {
      x_BSD = layer.attention_norm->forward(x_BSD +
                                            dropped(*layer.attention_dropout, attended(layer, x_BSD, batch), batch));
      const auto answer_BSD =
          layer.moe ? moe.run(*layer.moe, x_BSD) : dense_answer(*layer.dense, x_BSD, batch.mask_BS, batch.random);
      x_BSD = layer.feed_forward_norm->forward(x_BSD + dropped(*layer.feed_forward_dropout, answer_BSD, batch));
      observe(log, layer.name, x_BSD);
    }
    moe.finish(output);
    output.logit_BY = answer(x_BSD, batch.mask_BS);
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return moe_layers_of(layers_); }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const Cost fixed{0, num_params(*this), 0};
    const auto S = static_cast<double>(length_);
    auto total = macs_of_layers(layers_, tokens_per_expert, S, length_, [&](const Layer& layer) {
      return S * (layer.attention->macs_per_row(length_) + layer.attention->macs_per_token());
    });
    return total += {fixed, fixed};
  }

  int64_t tokens_per_example() const override { return length_; }

 private:
  struct Layer {
    std::string name;
    std::shared_ptr<nn::Attention> attention;
    std::shared_ptr<nn::LayerNorm> attention_norm, feed_forward_norm;
    std::shared_ptr<nn::Dropout> attention_dropout, feed_forward_dropout;
    std::shared_ptr<MoeLayer> moe;  // or
    std::shared_ptr<Expert> dense;
  };

  void make_layers(const Init& init) {
    auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
    auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
    const int64_t D = options_.width;
    for (int64_t l = 0; l < options_.layers; ++l) {
      const std::string number = std::to_string(l);
      const Init block_init = init.at("blocks").at(number), layer_init = init.at("layers").at(number);
      auto block = blocks->register_module(number, std::make_shared<torch::nn::Module>());
      Layer layer;
      layer.name = layer_init.name;
      nn::AttentionOptions shape;
      shape.width = D, shape.num_heads = options_.heads, shape.dropout = options_.dropout;
      layer.attention =
          block->register_module("attention", std::make_shared<nn::Attention>(shape, block_init.at("attention")));
      const auto norm = [&](const char* name) {
        return block->register_module(name, std::make_shared<nn::LayerNorm>(D, options_.norm_eps));
      };
      const auto dropout = [&](const char* name) {
        return block->register_module(name, std::make_shared<nn::Dropout>(options_.dropout, block_init.at(name)));
      };
      layer.attention_norm = norm("attention_norm"), layer.feed_forward_norm = norm("feed_forward_norm");
      layer.attention_dropout = dropout("attention_dropout");
      layer.feed_forward_dropout = dropout("feed_forward_dropout");
      if (options_.moe.contains(l)) {
        const MoeContext place{D, D, layer_init};
        layer.moe = layers->register_module(number, std::make_shared<MoeLayer>(options_.moe.of(l), place));
      } else {
        layer.dense =
            layers->register_module(number, experts().make(options_.dense, ExpertContext{D, D, 0, layer_init}));
      }
      layers_.push_back(std::move(layer));
    }
  }

  static torch::Tensor dropped(const nn::Dropout& dropout, const torch::Tensor& x_BSD, const Batch& batch) {
    const auto x_TD = x_BSD.flatten(0, 1);
    return dropout.forward(x_TD, batch.random, torch::arange(x_TD.size(0))).view(x_BSD.sizes());
  }

  static torch::Tensor attended(const Layer& layer, const torch::Tensor& x_BSD, const Batch& batch) {
    return nn::answer_seen(x_BSD, batch.mask_BS, [&](const torch::Tensor& x_ND, const torch::Tensor& token_N) {
      return layer.attention->forward(x_ND, token_N, x_BSD, batch.mask_BS, batch.random);
    });
  }

  torch::Tensor answer(const torch::Tensor& x_BSD, const torch::Tensor& mask_BS) const {
    if (options_.output == "tokens") return x_BSD;
    if (options_.output == "classes") return head_->forward(pooler_->forward(x_BSD.select(1, 0)).tanh());
    const auto mean_BD = mean_of_tokens(x_BSD, mask_BS);
    return mean_BD / mean_BD.square().sum(-1, true).sqrt().clamp_min(1e-12);
  }

  Options options_;
  int64_t length_;
  std::shared_ptr<nn::Embedding> word_, position_, type_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Dropout> dropout_;
  std::vector<Layer> layers_;
  std::shared_ptr<nn::Linear> pooler_, head_;  // the head is null where there are no classes
};

}  // namespace

NetworkKind network_kind_bert() {
  return network_kind<Bert>("encoder of texts: BERT, its feed-forward parts dense or Mixtures of Experts", true);
}

}  // namespace heterodyne
