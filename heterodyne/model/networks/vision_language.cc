// A small vision-language model (the build of LLaVA: Liu et al. 2023): a vision transformer encodes the image, a
// projector of two linear layers turns its patches into tokens, which come before those of the text, and the layers of
// LLaMA, some of them with Mixtures of Experts, read both from left to right. The answer is the token that follows the
// text; its vocabulary are the classes, so what is trained and scored is the log-likelihood of each answer behind the
// question.
//
// Letters: B examples, P patches of an image, L tokens of a text, S = P + L, D width.
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>

#include "heterodyne/model/blocks/image_and_text.h"
#include "heterodyne/model/blocks/learned_positions.h"
#include "heterodyne/model/blocks/llama_layers.h"
#include "heterodyne/model/blocks/stem.h"
#include "heterodyne/model/blocks/vit_layers.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

struct VisionSettings {
  int64_t width = 64;
  int64_t layers = 2;
  int64_t heads = 4;
  ImageStemSettings stem;
  double dropout = 0;
  Member dense{Table{{"kind", "mlp"}, {"hidden", 128}}};
  void visit(Fields& field) {
    field("width", width, "features of a patch", at_least(1));
    field("layers", layers, "blocks in all", between(1, 1000));
    field("heads", heads, "attention heads, a divisor of the width", at_least(1));
    stem.visit(field);
    field("dropout", dropout, "share dropped of the attention weights, and of the patches' features at first",
          between(0, 0.99));
    field("dense", dense, "the expert that is the feed-forward part, on every patch", member_of(experts()));
  }
};

// [B, C, H, W] to [B, P, width]: patches with learned positions, layers, a norm.
class VisionEncoder : public torch::nn::Module {
 public:
  VisionEncoder(const VisionSettings& settings, const DataShape& data, const Init& init) {
    const int64_t D = settings.width;
    stem_ = register_module("stem", settings.stem.make(data, D, init.at("stem")));
    positions_ = std::make_unique<LearnedPositions>(*this, stem_->num_tokens(), D, settings.dropout, init);
    VitLayersOptions options;
    options.width = D, options.layers = settings.layers, options.heads = settings.heads;
    options.dropout = settings.dropout, options.dense = settings.dense;
    layers_ = std::make_unique<VitLayers>(*this, options, init);
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(D));
  }

  torch::Tensor forward(const Batch& batch, MoePass& moe, RoutingLog* log) const {
    const auto x_BPD = positions_->forward(stem_->forward(batch.inputs), batch.random);
    return norm_->forward(layers_->forward(x_BPD, batch.random, moe, log));
  }

  const Stem& stem() const { return *stem_; }
  CostPair cost() const {
    auto total = layers_->cost({}, stem_->num_tokens());
    const Cost stem{stem_->macs(), 0, 0};
    return total += {stem, stem};
  }

 private:
  std::shared_ptr<Stem> stem_;
  std::unique_ptr<LearnedPositions> positions_;
  std::unique_ptr<VitLayers> layers_;
  std::shared_ptr<nn::LayerNorm> norm_;
};

class VisionLanguage : public Network {
 public:
  struct Options : LlamaLayersOptions {
    VisionSettings vision;
    Options() { width = 96; }
    void visit(Fields& field) {
      LlamaLayersOptions::visit(field);
      field("vision", vision, "the encoder of images");
    }
  };

  VisionLanguage(const Options& options, const NetworkContext& context) : data_(context.data) {
    check_is_paired("vision_language", data_);
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    encoder_ = register_module("encoder", std::make_shared<VisionEncoder>(options.vision, data_, init.at("encoder")));
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      return register_module(name, std::make_shared<nn::Linear>(nn::LinearOptions{inputs, outputs}, init.at(name)));
    };
    project_in_ = linear("project_in", options.vision.width, D);
    project_out_ = linear("project_out", D, D);
    embedding_ =
        register_module("embedding", std::make_shared<nn::Embedding>(data_.vocabulary, D, init.at("embedding")));
    layers_ = std::make_unique<LlamaLayers>(*this, options, init);
    norm_ = register_module("norm", std::make_shared<nn::RmsNorm>(D, options.norm_eps));
    head_ = linear("head", D, data_.num_classes);
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    const Batch tokens = with_image_tokens("vision_language", data_, batch, num_patches());
    MoePass moe(tokens, log);
    const auto image_BPD = project_out_->forward(at::gelu(project_in_->forward(encoder_->forward(batch, moe, log))));
    const auto x_BSD = at::cat({image_BPD, embedding_->forward(batch.text_BS)}, 1);
    observe(log, "embedding", x_BSD);
    const auto answer_BSD = layers_->forward(x_BSD, tokens, moe, log).x_BSD;
    NetworkOutput output;
    moe.finish(output);
    output.logit_BY = head_->forward(norm_->forward(last_of(answer_BSD, batch.mask_BS)));
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return layers_->moe_layers(); }

  /// Of an image with a text that fills its places.
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const auto S = static_cast<double>(tokens_per_example()), P = static_cast<double>(num_patches());
    const Cost fixed{P * (project_in_->macs() + project_out_->macs()), num_params(*this), 0};
    auto total = encoder_->cost();
    total += layers_->cost(tokens_per_expert, {S, tokens_per_example(), (S + 1) / 2});
    return total += {fixed, fixed};
  }

  int64_t tokens_per_example() const override { return num_patches() + data_.length; }
  TokenGrid token_grid() const override {
    return {num_patches() / encoder_->stem().columns(), encoder_->stem().columns()};
  }
  std::vector<TokenPart> token_parts() const override { return {{"image", num_patches()}, {"text", data_.length}}; }

 private:
  int64_t num_patches() const { return encoder_->stem().num_tokens(); }

  // [B, D]: what stands at the last token of each text.
  static torch::Tensor last_of(const torch::Tensor& x_BSD, const torch::Tensor& mask_BS) {
    const int64_t S = x_BSD.size(1);
    if (!mask_BS.defined()) return x_BSD.select(1, S - 1);
    const auto last_B = mask_BS.sum(1) + (S - mask_BS.size(1) - 1);
    return x_BSD.gather(1, last_B.view({-1, 1, 1}).expand({-1, 1, x_BSD.size(2)})).squeeze(1);
  }

  DataShape data_;
  std::shared_ptr<VisionEncoder> encoder_;
  std::shared_ptr<nn::Linear> project_in_, project_out_, head_;
  std::shared_ptr<nn::Embedding> embedding_;
  std::unique_ptr<LlamaLayers> layers_;
  std::shared_ptr<nn::RmsNorm> norm_;
};

}  // namespace

NetworkKind network_kind_vision_language() {
  return network_kind<VisionLanguage>("vision transformer and LLaMA's layers that answer a question about an image",
                                      false, true);
}

}  // namespace heterodyne
