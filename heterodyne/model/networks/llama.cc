// LLaMA (Touvron et al. 2023, section 2.2): a language model of the layers in blocks/llama_layers.h.
//
//   x += attention(norm(x));  x += feed_forward(norm(x)) or moe(norm(x));  at the end head(norm(x))
//
// Letters: B sequences, S tokens of a sequence, D width.
#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/llama_layers.h"
#include "heterodyne/model/blocks/lora_section.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/embedding.h"

namespace heterodyne {
namespace {

class Llama : public Network {
 public:
  struct Options : LlamaLayersOptions {
    bool tied = false;
    int64_t context = 0;
    bool allow_leak = false;
    LoraSection lora;
    void visit(Fields& field) {
      LlamaLayersOptions::visit(field);
      field("tied", tied, "whether the head's matrix is the embedding's");
      field("context", context, "tokens of the longest text that is accepted; 0: any", at_least(0));
      field("allow_leak", allow_leak, "accept a model that sees the tokens it is to predict; its losses mean nothing");
      field("lora", lora, "corrections of low rank that chosen projections learn while all else stays as it is");
    }
  };

  Llama(const Options& options, const NetworkContext& context)
      : context_(options.context), length_(context.data.length) {
    if (!context.data.is_text()) throw ConfigError("model", "kind", "expected data of text for \"llama\", got images");
    const Init init{context.seed, ""};
    const int64_t D = options.width, V = context.data.vocabulary;
    embedding_ = register_module("embedding", std::make_shared<nn::Embedding>(V, D, init.at("embedding")));
    layers_ = std::make_unique<LlamaLayers>(*this, options, init);
    norm_ = register_module("norm", std::make_shared<nn::RmsNorm>(D, options.norm_eps));
    const nn::LinearOptions shape{D, V, false};
    if (!options.tied) head_ = register_module("head", std::make_shared<nn::Linear>(shape, init.at("head")));
    const std::string why = layers_->leak();
    if (!why.empty() && !options.allow_leak)
      throw ConfigError("model", "allow_leak",
                        "expected true for a language model that sees the tokens it is to predict: " + why);
    options.lora.attach(*this, layers_->moe_layers(), context.seed);
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.llama", "inputs", batch.inputs, {"B", "S"});
    const int64_t num_tokens = batch.first_position + batch.inputs.size(1);
    if (context_ > 0 && num_tokens > context_)
      throw ShapeError("model.llama", fmt::format("inputs: expected at most context = {} tokens of a text, got {}",
                                                  context_, num_tokens));
    const auto tokens_BSD = embedding_->forward(batch.inputs);
    observe(log, "embedding", tokens_BSD);
    NetworkOutput output;
    MoePass moe(batch, log);
    auto [answer_BSD, carry] = layers_->forward(tokens_BSD, batch, moe, log);
    moe.finish(output);
    const auto x_BSD = norm_->forward(answer_BSD);
    output.logit_BY = head_ ? head_->forward(x_BSD) : embedding_->weight().apply(x_BSD);
    output.carry = std::move(carry);
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return layers_->moe_layers(); }

  /// Of one token, which in a text of the data's length sees half of it on average.
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const Cost fixed{0, num_params(*this), 0};
    auto total = layers_->cost(tokens_per_expert, {1, 1, static_cast<double>(length_ + 1) / 2});
    return total += {fixed, fixed};
  }

  /// A token is an example of its own: each has a label.
  int64_t tokens_per_example() const override { return 1; }
  bool is_causal() override { return layers_->leak().empty(); }

 private:
  int64_t context_, length_;
  std::shared_ptr<nn::Embedding> embedding_;
  std::unique_ptr<LlamaLayers> layers_;
  std::shared_ptr<nn::RmsNorm> norm_;
  std::shared_ptr<nn::Linear> head_;  // null when tied
};

}  // namespace

NetworkKind network_kind_llama() {
  return network_kind<Llama>("language model: LLaMA, its feed-forward parts dense or Mixtures of Experts", true);
}

}  // namespace heterodyne
