// Vision transformer (Dosovitskiy et al. 2021, equations 1 to 4): patches of an image become tokens with learned
// positions, then go through the layers of blocks/vit_layers.h, whose feed-forward parts are Mixtures of Experts where
// that is chosen (Riquelme et al. 2021).
//
//   x += attention(norm(x));  x += feed_forward(norm(x)) or moe(norm(x));  at the end head(pool(norm(x)))
//
// The image is classified by the mean of its tokens, or by a learned token that comes before them.
//
// Letters: B images, S tokens of an image, T = B x S, D width.
#include <ATen/ops/cat.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/learned_positions.h"
#include "heterodyne/model/blocks/stem.h"
#include "heterodyne/model/blocks/vit_layers.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class VitNetwork : public Network {
 public:
  struct Options : VitLayersOptions {
    int64_t patch = 8;
    std::string pool = "mean";
    void visit(Fields& field) {
      VitLayersOptions::visit(field);
      field("patch", patch, "pixels along the side of a patch", at_least(1));
      field("pool", pool, "what is classified: the mean of the tokens, or a learned token before them",
            one_of("mean", "cls"));
    }
  };

  VitNetwork(const Options& options, const NetworkContext& context) : options_(options), data_(context.data) {
    if (data_.is_text()) throw ConfigError("model", "kind", "expected data of images for \"vit\", got text");
    const Init init{context.seed, ""};
    const int64_t D = options.width;
    stem_ = register_module("stem", std::make_shared<PatchStem>(data_, D, options.patch, init.at("stem")));
    if (options.pool == "cls") class_token_1D_ = learned_rows(*this, "class_token", {1, D}, init);
    positions_ = std::make_unique<LearnedPositions>(*this, num_tokens(), D, options.dropout, init);
    layers_ = std::make_unique<VitLayers>(*this, options, init);
    norm_ = register_module("norm", std::make_shared<nn::LayerNorm>(D, options.norm_eps));
    head_ =
        register_module("head", std::make_shared<nn::Linear>(nn::LinearOptions{D, data_.num_classes}, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.vit", "inputs", batch.inputs,
                {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    auto x_BSD = tokens_of(batch);
    observe(log, "stem", x_BSD);
    MoePass moe(batch, log);
    x_BSD = layers_->forward(x_BSD, batch.random, moe, log);
    NetworkOutput output;
    moe.finish(output);
    x_BSD = norm_->forward(x_BSD);
    output.logit_BY = head_->forward(class_token_1D_.defined() ? x_BSD.select(1, 0) : x_BSD.mean(1));
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override { return layers_->moe_layers(); }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const Cost fixed{stem_->macs(), num_params(*this), 0};
    auto total = layers_->cost(tokens_per_expert, num_tokens());
    return total += {fixed, fixed};
  }

  int64_t tokens_per_example() const override { return num_tokens(); }
  TokenGrid token_grid() const override {
    if (class_token_1D_.defined()) return {};  // it lies nowhere in the picture
    return {stem_->num_tokens() / stem_->columns(), stem_->columns()};
  }

 private:
  int64_t num_tokens() const { return stem_->num_tokens() + (class_token_1D_.defined() ? 1 : 0); }

  torch::Tensor tokens_of(const Batch& batch) const {
    auto x_BSD = stem_->forward(batch.inputs);
    const int64_t B = x_BSD.size(0), D = options_.width;
    if (class_token_1D_.defined()) x_BSD = at::cat({class_token_1D_.expand({B, 1, D}), x_BSD}, 1);
    return positions_->forward(x_BSD, batch.random);
  }

  Options options_;
  DataShape data_;
  std::shared_ptr<PatchStem> stem_;
  torch::Tensor class_token_1D_;
  std::unique_ptr<LearnedPositions> positions_;
  std::unique_ptr<VitLayers> layers_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Linear> head_;
};

}  // namespace

NetworkKind network_kind_vit() {
  return network_kind<VitNetwork>("vision transformer, its feed-forward parts dense or Mixtures of Experts");
}

}  // namespace heterodyne
