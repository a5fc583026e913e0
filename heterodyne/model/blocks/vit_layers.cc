#include "heterodyne/model/blocks/vit_layers.h"

#include <utility>

#include "heterodyne/model/blocks/dense_part.h"
#include "heterodyne/nn/seen_tokens.h"

namespace heterodyne {
namespace {

torch::Tensor vit_attention_answer(const nn::LayerNorm& norm, const nn::Attention& attention,
                                   const torch::Tensor& x_BSD, RandomKey random) {
  const auto normed_BSD = norm.forward(x_BSD);
  return nn::answer_seen(normed_BSD, {}, [&](const torch::Tensor& x_TD, const torch::Tensor& all_T) {
    return attention.forward(x_TD, all_T, normed_BSD, {}, random);
  });
}

}  // namespace

VitLayers::VitLayers(torch::nn::Module& parent, const VitLayersOptions& options, const Init& init) {
  options.moe.check(options.layers);
  const int64_t D = options.width;
  auto blocks = parent.register_module("blocks", std::make_shared<torch::nn::Module>());
  auto layers = parent.register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t l = 0; l < options.layers; ++l) {
    const std::string number = std::to_string(l);
    const Init layer_init = init.at("layers").at(number), block_init = init.at("blocks").at(number);
    auto block = blocks->register_module(number, std::make_shared<torch::nn::Module>());
    const auto norm = [&](const char* name) {
      return block->register_module(name, std::make_shared<nn::LayerNorm>(D, options.norm_eps));
    };
    Layer layer{layer_init.name, block_init.name, {}, {}, {}, {}, {}};
    layer.attention_norm = norm("attention_norm");
    layer.attention = block->register_module(
        "attention", std::make_shared<nn::Attention>(nn::AttentionOptions{D, options.heads, options.dropout},
                                                     block_init.at("attention")));
    layer.feed_forward_norm = norm("feed_forward_norm");
    if (options.moe.contains(l))
      layer.moe =
          layers->register_module(number, std::make_shared<MoeLayer>(options.moe.of(l), MoeContext{D, D, layer_init}));
    else
      layer.dense = layers->register_module(number, experts().make(options.dense, ExpertContext{D, D, 0, layer_init}));
    layers_.push_back(std::move(layer));
  }
}

torch::Tensor VitLayers::forward(torch::Tensor x_BSD, RandomKey random, MoePass& moe, RoutingLog* log) const {
  for (const auto& layer : layers_) {
    x_BSD = x_BSD + vit_attention_answer(*layer.attention_norm, *layer.attention, x_BSD, random);
    observe(log, layer.block_name, x_BSD);
    const auto input_BSD = layer.feed_forward_norm->forward(x_BSD);
    x_BSD = x_BSD + (layer.moe ? moe.run(*layer.moe, input_BSD) : dense_answer(*layer.dense, input_BSD, {}, random));
    observe(log, layer.name, x_BSD);
  }
  return x_BSD;
}

CostPair VitLayers::cost(const std::vector<std::vector<double>>& tokens_per_expert, int64_t S) const {
  const auto tokens = static_cast<double>(S);
  return macs_of_layers(layers_, tokens_per_expert, tokens, S, [&](const Layer& layer) {
    return tokens * (layer.attention->macs_per_row(S) + layer.attention->macs_per_token());
  });
}

}  // namespace heterodyne
