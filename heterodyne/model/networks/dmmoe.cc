// DMMoE's network and its baselines: an image, or a text, becomes tokens, a few layers mix them, their mean is
// classified. Padding of a text is routed nowhere and in no mean.
// A layer is a Mixture of Experts or a soft one with a residual around it, x + moe(x), or a dense expert applied to
// every token. With one MoE layer of four kinds it is DMMoE, with one of four MLPs the homogeneous baseline, with two
// dense transformer blocks the dense ViT.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/moe_section.h"
#include "heterodyne/model/blocks/positions.h"
#include "heterodyne/model/blocks/soft_section.h"
#include "heterodyne/model/blocks/stem.h"
#include "heterodyne/model/blocks/token_mean.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

struct ChosenLayers : MoeSection {
  std::vector<int64_t> layers = {0};
  void visit(Fields& field) {
    field("layers", layers, "which layers are Mixtures of Experts, counted from 0; [] for none", between(0, 1000));
    MoeSection::visit(field);
  }
  bool has(int64_t index) const { return std::find(layers.begin(), layers.end(), index) != layers.end(); }
};

class DmmoeNetwork : public Network {
 public:
  struct Options {
    int64_t width = 128;
    int64_t layers = 1;
    std::string stem = "patch";
    int64_t patch = 8;
    double dropout = 0.1;
    ChosenLayers moe;
    SoftSection soft_moe;
    Member dense{Table{{"kind", "vit_block"}, {"heads", 4}, {"hidden", 256}, {"dropout", 0.1}}};
    void visit(Fields& field) {
      field("width", width, "features of a token", at_least(1));
      field("layers", layers, "layers in all", between(1, 1000));
      field("stem", stem,
            "how an example becomes tokens: an image by one convolution over patches, or by three strided ones; a "
            "text by its symbols",
            one_of("patch", "conv", "symbols"));
      field("patch", patch, "pixels along the side of a patch", at_least(1),
            effective_when(stem == "patch", "stem = \"" + stem + "\""));
      field("dropout", dropout, "share dropped of the tokens' features before the first layer", between(0, 0.99));
      field("moe", moe, "the layers that are Mixtures of Experts");
      field("soft_moe", soft_moe, "the layers that are soft mixtures of experts");
      const bool has_dense = static_cast<int64_t>(moe.layers.size() + soft_moe.layers.size()) < layers;
      field("dense", dense, "the expert that makes the other layers, on every token", member_of(experts()),
            effective_when(has_dense, "every layer is in moe.layers or soft_moe.layers"));
    }
  };

  DmmoeNetwork(const Options& options, const NetworkContext& context) : width_(options.width), data_(context.data) {
    const Init init{context.seed, ""};
    make_stem(options, init.at("stem"));
    position_SD_ = register_buffer("positions", sinusoid_positions(stem_->num_tokens(), width_));
    dropout_ = register_module("dropout", std::make_shared<nn::Dropout>(options.dropout, init.at("dropout")));
    make_layers(options, init.at("layers"));
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(width_));
    head_ = register_module(
        "head", std::make_shared<nn::Linear>(nn::LinearOptions{width_, context.data.num_classes}, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    if (!data_.is_text())
      check_shape("model.dmmoe", "inputs", batch.inputs,
                  {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    auto x_BSD = stem_->forward(batch.inputs);
    const int64_t B = x_BSD.size(0), S = x_BSD.size(1);
    x_BSD = x_BSD + position_SD_.narrow(0, 0, S);
    const auto all_T = torch::arange(B * S);
    x_BSD = dropout_->forward(x_BSD.reshape({B * S, width_}), batch.random, all_T).view({B, S, width_});
    observe(log, "stem", x_BSD);

    MoePass moe(batch, log);
    for (const auto& layer : layers_) {
      if (layer.moe) {
        x_BSD = x_BSD + moe.run(*layer.moe, x_BSD);
      } else if (layer.soft) {
        x_BSD = x_BSD + layer.soft->forward({x_BSD, batch.mask_BS, batch.random});
      } else {
        const auto x_TD = x_BSD.reshape({B * S, width_});
        x_BSD = layer.dense->forward({x_TD, all_T, x_BSD, batch.mask_BS, batch.random}).view({B, S, width_});
      }
      observe(log, layer.name, x_BSD);
    }
    NetworkOutput output;
    moe.finish(output);
    const auto feature_BD = norm_->forward(mean_of_tokens(x_BSD, batch.mask_BS));
    observe(log, "feature", feature_BD);
    output.logit_BY = head_->forward(feature_BD);
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return moe_layers_of(layers_); }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const int64_t length = stem_->num_tokens();
    const auto S = static_cast<double>(length);
    CostPair total{{stem_->macs(), num_params(*this), 0}, {stem_->macs(), num_params(*this), 0}};
    size_t moe = 0;
    for (const auto& layer : layers_) {
      const auto part = layer.moe    ? layer.moe->cost(tokens_per_expert.at(moe++), S, length)
                        : layer.soft ? layer.soft->cost(S, length)
                                     : layer.dense->cost({S, S, length});
      total.routed.macs += part.routed.macs;
      total.executed.macs += part.executed.macs;
    }
    return total;
  }

  int64_t tokens_per_example() const override { return stem_->num_tokens(); }
  TokenGrid token_grid() const override {
    const int64_t columns = stem_->columns();
    return columns > 0 ? TokenGrid{stem_->num_tokens() / columns, columns} : TokenGrid{};
  }

 private:
  struct Layer {  // one of the three
    std::string name;
    std::shared_ptr<MoeLayer> moe;
    std::shared_ptr<SoftMoeLayer> soft;
    std::shared_ptr<Expert> dense;
  };

  void make_stem(const Options& options, const Init& init) {
    const bool reads_symbols = options.stem == "symbols";
    if (reads_symbols && !data_.is_text())
      throw ConfigError("model", "stem", "expected \"patch\" or \"conv\" for images, got \"symbols\"");
    if (!reads_symbols && data_.is_text())
      throw ConfigError("model", "stem", "expected \"symbols\" for texts, got \"" + options.stem + "\"");
    if (reads_symbols && data_.num_classes == data_.vocabulary)
      throw ConfigError("model", "kind",
                        "\"dmmoe\" answers once for each text; expected data with a class for each, "
                        "such as \"text_classes\"");
    if (reads_symbols) stem_ = std::make_shared<SymbolStem>(data_, width_, init);
    else if (options.stem == "patch") stem_ = std::make_shared<PatchStem>(data_, width_, options.patch, init);
    else stem_ = std::make_shared<ConvStem>(data_, width_, init);
    register_module("stem", stem_);
  }

  static void check_layers(const Options& options) {
    const auto check_index = [&](int64_t index, const char* key) {
      if (index < options.layers) return;
      throw ConfigError("model", key, fmt::format("expected indices below layers = {}, got {}", options.layers, index));
    };
    for (const int64_t index : options.moe.layers) check_index(index, "moe.layers");
    for (const int64_t index : options.soft_moe.layers) {
      check_index(index, "soft_moe.layers");
      if (!options.moe.has(index)) continue;
      throw ConfigError("model", "soft_moe.layers",
                        fmt::format("expected other layers than moe.layers names, got {} in both; for soft mixtures "
                                    "alone: moe.layers = []",
                                    index));
    }
    for (const auto& [index, settings] : options.moe.layer) {
      if (options.moe.has(index)) continue;
      throw ConfigError("model", fmt::format("moe.layer.{}", index), "expected the index of a layer in moe.layers");
    }
    const bool has_no_layer = options.moe.layers.empty();
    for (const auto& [key, is_set] : {std::pair("moe.experts", !options.moe.experts.empty()),
                                      std::pair("moe.balancers", !options.moe.balancers.empty())}) {
      if (has_no_layer && is_set)
        throw ConfigError("model", key, "has no effect while moe.layers = []; remove one of the two");
    }
  }

  void make_layers(const Options& options, const Init& init) {
    check_layers(options);
    auto modules = register_module("layers", std::make_shared<torch::nn::Module>());
    for (int64_t i = 0; i < options.layers; ++i) {
      const std::string index = std::to_string(i);
      const Init layer_init = init.at(index);
      const MoeContext place{width_, width_, layer_init};
      Layer layer{layer_init.name, nullptr, nullptr, nullptr};
      if (options.moe.has(i))
        layer.moe = modules->register_module(index, std::make_shared<MoeLayer>(options.moe.of(i), place));
      else if (options.soft_moe.has(i))
        layer.soft = modules->register_module(index, std::make_shared<SoftMoeLayer>(options.soft_moe, place));
      else
        layer.dense = modules->register_module(
            index, experts().make(options.dense, ExpertContext{width_, width_, 0, layer_init}));
      layers_.push_back(std::move(layer));
    }
  }

  int64_t width_;
  DataShape data_;
  std::shared_ptr<Stem> stem_;
  torch::Tensor position_SD_;
  std::shared_ptr<nn::Dropout> dropout_;
  std::vector<Layer> layers_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Linear> head_;
};

}  // namespace

NetworkKind network_kind_dmmoe() {
  return network_kind<DmmoeNetwork>(
      "tokens of an image or a text through layers of mixed experts or dense blocks, then their mean");
}

}  // namespace heterodyne
