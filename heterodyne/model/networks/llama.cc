// LLaMA (Touvron et al. 2023, section 2.2): a transformer that is normalised before each part by root mean square, with
// rotary positions, attention whose query heads may share keys and values, and a gated feed-forward part, which is a
// Mixture of Experts in the layers that are chosen (as in Mixtral: Jiang et al. 2024). No biases unless asked for.
//
//   x += attention(norm(x));  x += feed_forward(norm(x)) or moe(norm(x));  at the end head(norm(x))
//
// Letters: B sequences, S tokens of a sequence, T = B x S, D width, V symbols, L layers.
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/sparse_layers.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/grouped_attention.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

struct RotarySettings : nn::RotaryOptions {
  std::string stretch = "llama3";

  void visit(Fields& field) {
    field("theta", theta, "pair i of a head's C features turns by theta^(-2i / C) with each position", more_than(0));
    field("factor", factor, "by how much slow pairs are slowed for longer texts, as in LLaMA 3.1; 1: not at all",
          at_least(1));
    const bool stretches = factor != 1;
    field("low_frequency", low_frequency, "pairs that turn less often in original_length positions are slowed in full",
          more_than(0), effective_when(stretches, "factor = 1"));
    field("high_frequency", high_frequency, "pairs that turn more often in original_length positions are left alone",
          more_than(0), effective_when(stretches, "factor = 1"));
    field("original_length", original_length, "tokens of the texts that the model was first trained on", at_least(1),
          effective_when(stretches, "factor = 1"));
    field("stretch", stretch,
          "how it goes over between those two: by how often a pair turns, as LLaMA 3.1, or by its number, as YaRN",
          one_of("llama3", "yarn"), effective_when(stretches, "factor = 1"));
    const bool is_by_number = stretches && stretch == "yarn";
    field("is_rounded", is_rounded, "whether the numbers of the pairs where that begins and ends are whole",
          effective_when(is_by_number, stretches ? "stretch = \"llama3\"" : "factor = 1"));
  }
};

struct AttentionSettings {
  bool qkv_bias = false;
  bool output_bias = false;
  std::string query_norm = "none";
  bool sinks = false;
  int64_t window = 0;
  std::vector<int64_t> window_layers;
  void visit(Fields& field) {
    field("qkv_bias", qkv_bias, "whether queries, keys and values have biases");
    field("output_bias", output_bias, "whether the output has a bias");
    field("query_norm", query_norm,
          "root mean square norm of queries and keys: of each head, or of a token's whole row",
          one_of("none", "head", "row"));
    field("sinks", sinks, "whether each head has a learned score that takes part in the softmax and adds nothing");
    field("window", window, "keys that a token sees at most, its own included; 0: all", at_least(0));
    field("window_layers", window_layers, "the layers with that window, counted from 0; [] for all", list_or_none(),
          between(0, 1000), effective_when(window > 0, "window = 0"));
  }

  int64_t window_of(int64_t layer) const {
    const bool has =
        window_layers.empty() || std::find(window_layers.begin(), window_layers.end(), layer) != window_layers.end();
    return has ? window : 0;
  }
};

class Llama : public Network {
 public:
  struct Options {
    int64_t width = 128;
    int64_t layers = 4;
    int64_t heads = 4;
    int64_t kv_heads = 0;
    int64_t head_width = 0;
    RotarySettings rotary;
    AttentionSettings attention;
    double norm_eps = 1e-5;
    bool tied = false;
    int64_t context = 0;
    bool allow_leak = false;
    SparseLayers moe;
    Member dense{Table{{"kind", "swiglu"}, {"hidden", 344}}};
    void visit(Fields& field) {
      field("width", width, "features of a token", at_least(1));
      field("layers", layers, "layers in all", between(1, 1000));
      field("heads", heads, "query heads of the attention", at_least(1));
      field("kv_heads", kv_heads, "heads of keys and values, a divisor of heads; 0: as many as heads", at_least(0));
      field("head_width", head_width, "features of a head, an even number; 0: width / heads", at_least(0));
      field("rotary", rotary, "the positions");
      field("attention", attention, "what is particular about the attention");
      field("norm_eps", norm_eps, "added to the mean square in each normalisation", more_than(0));
      field("tied", tied, "whether the head's matrix is the embedding's");
      field("context", context, "tokens of the longest text that is accepted; 0: any", at_least(0));
      field("allow_leak", allow_leak, "accept a model that sees the tokens it is to predict; its losses mean nothing");
      field("moe", moe, "the layers whose feed-forward part is a Mixture of Experts; none without experts");
      bool has_dense = false;
      for (int64_t l = 0; l < layers; ++l) has_dense |= !moe.contains(l);
      field("dense", dense, "the expert that is the feed-forward part of the other layers, on every token",
            member_of(experts()), effective_when(has_dense, "every layer is a Mixture of Experts"));
    }

    int64_t features_of_a_head() const { return head_width > 0 ? head_width : width / heads; }
  };

  Llama(const Options& options, const NetworkContext& context)
      : options_(options), num_symbols_(context.data.vocabulary), length_(context.data.length) {
    if (!context.data.is_text()) throw ConfigError("model", "kind", "expected data of text for \"llama\", got images");
    check(options);
    options_.rotary.head_width = options.features_of_a_head();
    options_.rotary.is_yarn = options.rotary.stretch == "yarn";
    angle_C_ = nn::rotary_angles(options_.rotary);
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    embedding_ = register_module("embedding", std::make_shared<nn::Embedding>(num_symbols_, D, init.at("embedding")));
    make_layers(init);
    norm_ = register_module("norm", std::make_shared<nn::RmsNorm>(D, options.norm_eps));
    const nn::LinearOptions shape{D, num_symbols_, false};
    if (!options.tied) head_ = register_module("head", std::make_shared<nn::Linear>(shape, init.at("head")));
    const std::string why = leak();
    if (!why.empty() && !options.allow_leak)
      throw ConfigError("model", "allow_leak",
                        "expected true for a language model that sees the tokens it is to predict: " + why);
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.llama", "inputs", batch.inputs, {"B", "S"});
    const int64_t num_tokens = batch.first_position + batch.inputs.size(1);
    if (options_.context > 0 && num_tokens > options_.context)
      throw ShapeError("model.llama", fmt::format("inputs: expected at most context = {} tokens of a text, got {}",
                                                  options_.context, num_tokens));
    auto x_BSD = embedding_->forward(batch.inputs);
    observe(log, "embedding", x_BSD);
    const auto rotation = nn::rotation_of(angle_C_, batch.first_position, x_BSD.size(1), x_BSD.scalar_type(),
                                          nn::rotation_scale(options_.rotary));
    NetworkOutput output;
    MoePass moe(batch, log);
    Past past(batch, layers_.size());
    for (size_t l = 0; l < layers_.size(); ++l) {
      const auto& layer = layers_[l];
      auto [y_BSD, keys] =
          layer.attention->forward(layer.attention_norm->forward(x_BSD), rotation, batch.mask_BS, past.keys(l));
      x_BSD = x_BSD + y_BSD;
      observe(log, layer.block_name, x_BSD);
      const auto input_BSD = layer.feed_forward_norm->forward(x_BSD);
      if (!layer.moe) observe(log, layer.name + ".input", input_BSD);  // otherwise the layer shows it
      x_BSD =
          x_BSD + (layer.moe ? moe.run(*layer.moe, input_BSD, past.inputs(l)) : dense_answer(layer, input_BSD, batch));
      past.add(l, keys, input_BSD);
      observe(log, layer.name, x_BSD);
    }
    moe.finish(output);
    x_BSD = norm_->forward(x_BSD);
    output.logit_BY = head_ ? head_->forward(x_BSD) : embedding_->weight().apply(x_BSD);
    output.carry = past.take();
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return moe_layers_of(layers_); }

  /// Of one token, which in a text of the data's length sees half of it on average.
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const Cost fixed{0, num_params(*this), 0};
    CostPair total{fixed, fixed};
    size_t moe = 0;
    for (const auto& layer : layers_) {
      auto part = layer.moe ? layer.moe->cost(tokens_per_expert.at(moe++), 1, 1) : layer.dense->cost({1, 1, 1});
      const double attention = layer.attention->macs(static_cast<double>(length_ + 1) / 2);
      total.routed.macs += part.routed.macs + attention;
      total.executed.macs += part.executed.macs + attention;
    }
    return total;
  }

  /// A token is an example of its own: each has a label.
  int64_t tokens_per_example() const override { return 1; }
  bool is_causal() override { return leak().empty(); }

 private:
  struct Layer {
    std::string name, block_name;
    std::shared_ptr<nn::RmsNorm> attention_norm, feed_forward_norm;
    std::shared_ptr<nn::GroupedAttention> attention;
    std::shared_ptr<MoeLayer> moe;  // or
    std::shared_ptr<Expert> dense;
  };

  // What a text that is continued needs of its past: keys, values and the inputs of the feed-forward part, which some
  // experts look back at, of each layer. Carried only where it was asked for: in training each batch begins anew.
  class Past {
   public:
    Past(const Batch& batch, size_t num_layers) : is_kept_(batch.keeps_past), values_(batch.carry) {
      if (is_kept_ && values_.empty()) values_.resize(3 * num_layers);
      if (is_kept_ && values_.size() != 3 * num_layers)
        throw ShapeError("model.llama",
                         fmt::format("carry: expected {} tensors, got {}", 3 * num_layers, values_.size()));
    }
    nn::AttentionPast keys(size_t l) const {
      return is_kept_ ? nn::AttentionPast{values_[3 * l], values_[3 * l + 1]} : nn::AttentionPast();
    }
    torch::Tensor inputs(size_t l) const { return is_kept_ ? values_[3 * l + 2] : torch::Tensor(); }
    void add(size_t l, const nn::AttentionPast& keys, const torch::Tensor& input_BSD) {
      if (!is_kept_) return;
      values_[3 * l] = keys.key_BGPC.detach();
      values_[3 * l + 1] = keys.value_BGPC.detach();
      auto& inputs = values_[3 * l + 2];
      inputs = inputs.defined() ? at::cat({inputs, input_BSD.detach()}, 1) : input_BSD.detach();
    }
    std::vector<torch::Tensor> take() { return is_kept_ ? std::move(values_) : std::vector<torch::Tensor>(); }

   private:
    bool is_kept_;
    std::vector<torch::Tensor> values_;
  };

  static void check(const Options& options) {
    if (options.head_width == 0 && options.width % options.heads != 0)
      throw ConfigError("model", "heads",
                        fmt::format("expected a divisor of width = {}, got {}", options.width, options.heads));
    if (options.features_of_a_head() % 2 != 0)
      throw ConfigError("model", "head_width",
                        fmt::format("expected an even number, got {}", options.features_of_a_head()));
    for (const int64_t index : options.attention.window_layers) {
      if (index >= options.layers)
        throw ConfigError("model", "attention.window_layers",
                          fmt::format("expected indices below layers = {}, got {}", options.layers, index));
    }
    options.moe.check(options.layers);
  }

  void make_layers(const Init& init) {
    auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
    auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
    for (int64_t l = 0; l < options_.layers; ++l) {
      const std::string number = std::to_string(l);
      const Init layer_init = init.at("layers").at(number);
      Layer layer;
      layer.name = layer_init.name;
      auto block = blocks->register_module(number, std::make_shared<torch::nn::Module>());
      fill_block(layer, *block, init.at("blocks").at(number), options_.attention.window_of(l));
      if (options_.moe.contains(l)) {
        const MoeContext place{options_.width, options_.width, layer_init};
        layer.moe = layers->register_module(number, std::make_shared<MoeLayer>(options_.moe.of(l), place));
      } else {
        const ExpertContext place{options_.width, options_.width, 0, layer_init};
        layer.dense = layers->register_module(number, experts().make(options_.dense, place));
        if (layer.dense->needs_context())
          throw ConfigError(
              "model", "dense.kind",
              fmt::format("expected an expert that looks at its own token alone, got \"{}\"", options_.dense.kind));
      }
      layers_.push_back(std::move(layer));
    }
  }

  void fill_block(Layer& layer, torch::nn::Module& block, const Init& init, int64_t window) const {
    const int64_t D = options_.width;
    const AttentionSettings& attention = options_.attention;
    const nn::GroupedAttentionOptions shape{D,
                                            options_.heads,
                                            options_.kv_heads > 0 ? options_.kv_heads : options_.heads,
                                            options_.features_of_a_head(),
                                            attention.qkv_bias,
                                            attention.output_bias,
                                            attention.query_norm,
                                            options_.norm_eps,
                                            attention.sinks,
                                            window};
    const auto norm = [&](const char* name) {
      return block.register_module(name, std::make_shared<nn::RmsNorm>(D, options_.norm_eps));
    };
    layer.block_name = init.name;
    layer.attention_norm = norm("attention_norm");
    layer.attention =
        block.register_module("attention", std::make_shared<nn::GroupedAttention>(shape, init.at("attention")));
    layer.feed_forward_norm = norm("feed_forward_norm");
  }

  static torch::Tensor dense_answer(const Layer& layer, const torch::Tensor& x_BSD, const Batch& batch) {
    const auto x_TD = x_BSD.flatten(0, 1);
    const auto all_T = torch::arange(x_TD.size(0));
    return layer.dense->forward({x_TD, all_T, x_BSD, batch.mask_BS, batch.random}).view(x_BSD.sizes());
  }

  // Why a token's answer depends on later tokens; empty when it does not.
  std::string leak() const {
    for (const auto& layer : layers_) {
      std::string why;
      if (layer.moe && !layer.moe->is_causal(&why)) return layer.name + ": " + why;
    }
    return "";
  }

  Options options_;
  int64_t num_symbols_, length_;
  torch::Tensor angle_C_;
  std::shared_ptr<nn::Embedding> embedding_;
  std::vector<Layer> layers_;
  std::shared_ptr<nn::RmsNorm> norm_;
  std::shared_ptr<nn::Linear> head_;  // null when tied
};

}  // namespace

NetworkKind network_kind_llama() {
  return network_kind<Llama>("language model: LLaMA, its feed-forward parts dense or Mixtures of Experts", true);
}

}  // namespace heterodyne
