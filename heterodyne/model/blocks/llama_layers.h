// The layers of LLaMA (Touvron et al. 2023, section 2.2): attention with rotary positions, whose query heads may share
// keys and values, and a gated feed-forward part, each normalised before it by root mean square and added to what came
// in; the feed-forward part is a Mixture of Experts in the layers that are chosen (as in Mixtral: Jiang et al. 2024).
//
// Letters: B sequences, S tokens of a sequence, D width.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/sparse_layers.h"
#include "heterodyne/nn/grouped_attention.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {

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

struct LlamaLayersOptions {
  int64_t width = 128;
  int64_t layers = 4;
  int64_t heads = 4;
  int64_t kv_heads = 0;
  int64_t head_width = 0;
  RotarySettings rotary;
  AttentionSettings attention;
  double norm_eps = 1e-5;
  SparseLayers moe;
  Member dense{Table{{"kind", "swiglu"}, {"hidden", 344}}};
  bool recompute = false;
  void visit(Fields& field) {
    field("width", width, "features of a token", at_least(1));
    field("layers", layers, "layers in all", between(1, 1000));
    field("heads", heads, "query heads of the attention", at_least(1));
    field("kv_heads", kv_heads, "heads of keys and values, a divisor of heads; 0: as many as heads", at_least(0));
    field("head_width", head_width, "features of a head, an even number; 0: width / heads", at_least(0));
    field("rotary", rotary, "the positions");
    field("attention", attention, "what is particular about the attention");
    field("norm_eps", norm_eps, "added to the mean square in each normalisation", more_than(0));
    field("moe", moe, "the layers whose feed-forward part is a Mixture of Experts; none without experts");
    bool has_dense = false;
    for (int64_t l = 0; l < layers; ++l) has_dense |= !moe.contains(l);
    field("dense", dense, "the expert that is the feed-forward part of the other layers, on every token",
          member_of(experts()), effective_when(has_dense, "every layer is a Mixture of Experts"));
    field("recompute", recompute,
          "whether the backward pass computes the layers again instead of keeping their values: of each its input is "
          "kept, of a Mixture of Experts also that of the router and the routing; less memory, the same numbers, about "
          "a third more time");
  }

  int64_t features_of_a_head() const { return head_width > 0 ? head_width : width / heads; }
};

class LlamaLayers {
 public:
  /// Registers modules "blocks" and "layers" in `parent`, whose name is that of `init`. Throws ConfigError about the
  /// setting at fault.
  LlamaLayers(torch::nn::Module& parent, const LlamaLayersOptions& options, const Init& init);

  struct Output {
    torch::Tensor x_BSD;
    std::vector<torch::Tensor> carry;  // where the batch keeps its past
  };
  /// x_BSD, the tokens of `batch`, after all layers. Its mask, positions and past are the tokens'. `log` may be null.
  /// Values are kept in spite of `recompute` where the log looks at them or the batch keeps its past.
  /// Throws ShapeError when what was carried in does not fit.
  Output forward(torch::Tensor x_BSD, const Batch& batch, MoePass& moe, RoutingLog* log) const;

  std::vector<MoeLayer*> moe_layers() const { return moe_layers_of(layers_); }
  /// Why a token's answer depends on later tokens; empty when it does not.
  std::string leak() const;

  /// Tokens of sequences of `length`, each of which sees so many keys on average, itself included.
  struct Load {
    double tokens = 1;
    int64_t length = 1;
    double keys = 1;
  };
  /// Multiply-adds of these tokens, when the experts of each MoE layer get these many of them.
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert, const Load& load) const;

 private:
  struct Layer {
    std::string name, block_name;
    std::shared_ptr<nn::RmsNorm> attention_norm, feed_forward_norm;
    std::shared_ptr<nn::GroupedAttention> attention;
    std::shared_ptr<MoeLayer> moe;  // or
    std::shared_ptr<Expert> dense;
  };
  // What all layers see of a batch, beside their own past.
  struct Surroundings {
    nn::Rotation rotation;
    torch::Tensor mask_BS;
    RandomKey random;
  };
  // The tokens after the attention, and normalised for the feed-forward part.
  struct Attended {
    torch::Tensor x_BSD, input_BSD;
    nn::AttentionPast keys;
  };
  void fill_block(Layer& layer, torch::nn::Module& block, const Init& init, int64_t window) const;
  static Attended attend(const Layer& layer, const torch::Tensor& x_BSD, const Surroundings& around,
                         const nn::AttentionPast& past);
  torch::Tensor forward_again(const Layer& layer, const torch::Tensor& x_BSD, const Surroundings& around,
                              MoePass& moe) const;

  LlamaLayersOptions options_;
  torch::Tensor angle_C_;
  std::vector<Layer> layers_;
};

}  // namespace heterodyne
