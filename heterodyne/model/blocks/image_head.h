// Image head: how a feature map becomes logits: its mean over all places, then a linear layer or a Mixture of Experts.
// Two places are possible for the mixture:
//
//   head   a token is an image: the mean feature, perhaps made narrower by a linear layer, goes to experts that answer
//          with logits
//   map    a token is a place of the map: x + moe(x) at every place, then the mean and a linear layer
//
// Letters: B images, C channels of the map, H x W its places, Y classes, D width of the mixture's tokens.
#pragma once

#include <memory>
#include <string>

#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {

struct ImageHeadOptions {
  MoeOptions moe;
  std::string moe_place = "head";
  int64_t feature_width = 0;

  void visit(Fields& field) {
    field("moe", moe, "a Mixture of Experts; without experts there is none");
    const bool has_moe = !moe.experts.empty();
    field(
        "moe_place", moe_place,
        "head: the mean feature of an image goes to experts that answer with logits; map: every place of the last map "
        "is a token, x + moe(x)",
        one_of("head", "map"), effective_when(has_moe, "moe.experts = []"));
    field("feature_width", feature_width,
          "width of the features that are classified, by a linear layer before; 0: that of the network", at_least(0));
  }
};

class ImageHead {
 public:
  struct Shape {
    int64_t channels = 0, height = 0, width = 0;  // of the map
    int64_t num_classes = 0;
  };

  /// Registers its parts in `network`: "feature", "layers.0" and "head", those that it has.
  ImageHead(const ImageHeadOptions& options, const Shape& shape, torch::nn::Module& network, const Init& init);

  /// map_BCHW to logits; `batch` and `log` as for Network::forward().
  NetworkOutput forward(const torch::Tensor& map_BCHW, const Batch& batch, RoutingLog* log);

  /// nullptr without a mixture.
  MoeLayer* moe_layer() const { return moe_.get(); }
  /// Places of the map, or 1.
  int64_t num_tokens() const;
  /// How the tokens lie in the picture; empty where an image is one.
  TokenGrid token_grid() const;
  /// Adds the multiply-adds of one image to both; parameters are left alone.
  void add_macs(const std::vector<std::vector<double>>& tokens_per_expert, CostPair& total) const;

 private:
  std::shared_ptr<nn::Linear> add_linear(const std::string& name, int64_t outputs, torch::nn::Module& network,
                                         const Init& init);

  Shape shape_;
  bool is_on_map_;
  int64_t width_;                        // of the features as they are built up
  std::shared_ptr<nn::Linear> feature_;  // each may be null
  std::shared_ptr<nn::Linear> head_;
  std::shared_ptr<MoeLayer> moe_;
};

}  // namespace heterodyne
