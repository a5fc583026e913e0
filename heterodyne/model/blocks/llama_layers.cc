#include "heterodyne/model/blocks/llama_layers.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <initializer_list>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/model/blocks/dense_part.h"
#include "heterodyne/nn/recompute.h"

namespace heterodyne {
namespace {

// What a text that is continued needs of its past: of each layer keys, values and, where experts look back at them, the
// inputs of the feed-forward part. Carried only where it was asked for: in training each batch begins anew.
class LlamaPast {
 public:
  LlamaPast(const Batch& batch, size_t num_layers) : is_kept_(batch.keeps_past), values_(batch.carry) {
    const size_t expected = kOfALayer * num_layers;
    if (is_kept_ && values_.empty()) values_.resize(expected);
    if (is_kept_ && values_.size() != expected)
      throw ShapeError("model.llama", fmt::format("carry: expected {} tensors, got {}", expected, values_.size()));
  }
  nn::AttentionPast keys(size_t l) const {
    return is_kept_ ? nn::AttentionPast{get(l, 0), get(l, 1)} : nn::AttentionPast();
  }
  torch::Tensor inputs(size_t l) const { return is_kept_ ? get(l, 2).joined(1) : torch::Tensor(); }
  void add(size_t l, const nn::AttentionPast& keys, const torch::Tensor& input_BSD) {
    if (!is_kept_) return;
    set(l, 0, keys.key_BGPC);
    set(l, 1, keys.value_BGPC);
    if (input_BSD.defined()) set(l, 2, get(l, 2).with(input_BSD, 1));
  }
  std::vector<torch::Tensor> take() { return is_kept_ ? std::move(values_) : std::vector<torch::Tensor>(); }

 private:
  static constexpr size_t kOfALayer = 6;  // two tensors for each of three things that grow

  nn::Growing get(size_t l, size_t i) const {
    return {values_[kOfALayer * l + 2 * i], values_[kOfALayer * l + 2 * i + 1]};
  }
  void set(size_t l, size_t i, const nn::Growing& rows) {
    const auto kept = [](const torch::Tensor& tensor) { return tensor.defined() ? tensor.detach() : tensor; };
    values_[kOfALayer * l + 2 * i] = kept(rows.old);
    values_[kOfALayer * l + 2 * i + 1] = kept(rows.recent);
  }

  bool is_kept_;
  std::vector<torch::Tensor> values_;
};

void check_llama(const LlamaLayersOptions& options) {
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

// Parameters of modules, of which some may be missing.
std::vector<torch::Tensor> llama_parameters(std::initializer_list<const torch::nn::Module*> modules) {
  std::vector<torch::Tensor> all;
  for (const auto* module : modules) {
    if (module == nullptr) continue;
    const auto own = module->parameters();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

}  // namespace

LlamaLayers::LlamaLayers(torch::nn::Module& parent, const LlamaLayersOptions& options, const Init& init)
    : options_(options) {
  check_llama(options);
  options_.rotary.head_width = options.features_of_a_head();
  options_.rotary.is_yarn = options.rotary.stretch == "yarn";
  angle_C_ = nn::rotary_angles(options_.rotary);
  auto blocks = parent.register_module("blocks", std::make_shared<torch::nn::Module>());
  auto layers = parent.register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t l = 0; l < options_.layers; ++l) {
    const std::string number = std::to_string(l);
    const Init layer_init = init.at("layers").at(number);
    Layer layer;
    layer.name = layer_init.name;
    auto block = blocks->register_module(number, std::make_shared<torch::nn::Module>());
    fill_block(layer, *block, init.at("blocks").at(number), options_.attention.window_of(l));
    if (options_.moe.contains(l)) {
      const MoeContext place{options_.width, options_.width, layer_init};
      MoeOptions moe = options_.moe.of(l);
      moe.recompute |= options_.recompute;
      layer.moe = layers->register_module(number, std::make_shared<MoeLayer>(moe, place));
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

void LlamaLayers::fill_block(Layer& layer, torch::nn::Module& block, const Init& init, int64_t window) const {
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

LlamaLayers::Attended LlamaLayers::attend(const Layer& layer, const torch::Tensor& x_BSD, const Surroundings& around,
                                          const nn::AttentionPast& past) {
  auto [y_BSD, keys] =
      layer.attention->forward(layer.attention_norm->forward(x_BSD), around.rotation, around.mask_BS, past);
  const auto sum_BSD = x_BSD + y_BSD;
  return {sum_BSD, layer.feed_forward_norm->forward(sum_BSD), keys};
}

// A dense layer as a whole; before a Mixture of Experts the attention alone, as routing happens once.
torch::Tensor LlamaLayers::forward_again(const Layer& layer, const torch::Tensor& x_BSD, const Surroundings& around,
                                         MoePass& moe) const {
  const auto work = [layer, around](const std::vector<torch::Tensor>& inputs) {
    const auto part = attend(layer, inputs[0], around, {});
    std::vector<torch::Tensor> answers;
    if (layer.moe) answers = {part.x_BSD, part.input_BSD};
    else answers.push_back(part.x_BSD + dense_answer(*layer.dense, part.input_BSD, around.mask_BS, around.random));
    return answers;
  };
  const auto parameters = llama_parameters(
      {layer.attention_norm.get(), layer.attention.get(), layer.feed_forward_norm.get(), layer.dense.get()});
  const auto answers = nn::recomputed(work, {x_BSD}, parameters);
  return layer.moe ? answers[0] + moe.run(*layer.moe, answers[1]) : answers[0];
}

LlamaLayers::Output LlamaLayers::forward(torch::Tensor x_BSD, const Batch& batch, MoePass& moe, RoutingLog* log) const {
  const Surroundings around{nn::rotation_of(angle_C_, batch.first_position, x_BSD.size(1), x_BSD.scalar_type(),
                                            nn::rotation_scale(options_.rotary)),
                            batch.mask_BS, batch.random};
  const bool is_looked_at = log && log->on_value;
  const bool is_again = options_.recompute && torch::GradMode::is_enabled() && !batch.keeps_past && !is_looked_at;
  LlamaPast past(batch, layers_.size());
  for (size_t l = 0; l < layers_.size(); ++l) {
    const auto& layer = layers_[l];
    if (is_again) {
      x_BSD = forward_again(layer, x_BSD, around, moe);
      continue;
    }
    const auto part = attend(layer, x_BSD, around, past.keys(l));
    observe(log, layer.block_name, part.x_BSD);
    if (!layer.moe) observe(log, layer.name + ".input", part.input_BSD);  // otherwise the layer shows it
    x_BSD = part.x_BSD + (layer.moe ? moe.run(*layer.moe, part.input_BSD, past.inputs(l))
                                    : dense_answer(*layer.dense, part.input_BSD, around.mask_BS, around.random));
    past.add(l, part.keys, layer.moe && layer.moe->looks_back() ? part.input_BSD : torch::Tensor());
    observe(log, layer.name, x_BSD);
  }
  return {x_BSD, past.take()};
}

std::string LlamaLayers::leak() const {
  for (const auto& layer : layers_) {
    std::string why;
    if (layer.moe && !layer.moe->is_causal(&why)) return layer.name + ": " + why;
  }
  return "";
}

CostPair LlamaLayers::cost(const std::vector<std::vector<double>>& tokens_per_expert, const Load& load) const {
  return macs_of_layers(layers_, tokens_per_expert, load.tokens, load.length,
                        [&](const Layer& layer) { return load.tokens * layer.attention->macs(load.keys); });
}

}  // namespace heterodyne
