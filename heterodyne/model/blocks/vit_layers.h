// The layers of a vision transformer: attention and a feed-forward part, each normalised before it and added to what
// came in (Dosovitskiy et al. 2021, equations 2 and 3); the feed-forward part is a Mixture of Experts in the layers
// that are chosen.
//
// Letters: B images, S tokens of an image, D width.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/sparse_layers.h"
#include "heterodyne/nn/attention.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {

struct VitLayersOptions {
  int64_t width = 96;
  int64_t layers = 4;
  int64_t heads = 4;
  double dropout = 0;
  double norm_eps = 1e-5;
  SparseLayers moe;
  Member dense{Table{{"kind", "mlp"}, {"hidden", 384}}};
  void visit(Fields& field) {
    field("width", width, "features of a token", at_least(1));
    field("layers", layers, "blocks in all", between(1, 1000));
    field("heads", heads, "attention heads, a divisor of the width", at_least(1));
    field("dropout", dropout, "share dropped of the attention weights, and of the tokens' features at first",
          between(0, 0.99));
    field("norm_eps", norm_eps, "added to the variance in each normalisation", more_than(0));
    field("moe", moe, "the layers whose feed-forward part is a Mixture of Experts; none without experts");
    bool has_dense = false;
    for (int64_t l = 0; l < layers; ++l) has_dense |= !moe.contains(l);
    field("dense", dense, "the expert that is the feed-forward part of the other layers, on every token",
          member_of(experts()), effective_when(has_dense, "every layer is a Mixture of Experts"));
  }
};

class VitLayers {
 public:
  /// Registers modules "blocks" and "layers" in `parent`, whose name is that of `init`. Throws ConfigError about the
  /// setting at fault.
  VitLayers(torch::nn::Module& parent, const VitLayersOptions& options, const Init& init);

  /// x_BSD after all layers. `log` may be null.
  torch::Tensor forward(torch::Tensor x_BSD, RandomKey random, MoePass& moe, RoutingLog* log) const;

  std::vector<MoeLayer*> moe_layers() const { return moe_layers_of(layers_); }
  /// Multiply-adds of one image of S tokens, when the experts of each MoE layer get these many of them.
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert, int64_t S) const;

 private:
  struct Layer {
    std::string name, block_name;
    std::shared_ptr<nn::LayerNorm> attention_norm, feed_forward_norm;
    std::shared_ptr<nn::Attention> attention;
    std::shared_ptr<MoeLayer> moe;  // or
    std::shared_ptr<Expert> dense;
  };
  std::vector<Layer> layers_;
};

}  // namespace heterodyne
