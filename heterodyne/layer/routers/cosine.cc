// Cosine gate (Chi et al. 2022, "On the representation collapse of sparse mixture of experts"): logits are the cosines
// between a projection of the token and a direction for each expert, divided by a learned temperature that is at least
// 0.01.
#include <cmath>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

constexpr double kLargestScale = 100;

class CosineRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string weights = "softmax_of_selected";
    int64_t projection = 256;
    double temperature = 0.5;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("weights", weights, kWeightsSentence, one_of_weights());
      field("projection", projection, "width in which tokens and experts are compared", at_least(1));
      field("temperature", temperature, "what cosines are divided by at first", between(1 / kLargestScale, 1e6));
    }
  };

  CosineRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.cosine", options.k, context), options_(options) {
    const nn::LinearOptions shape{context.width, options.projection, false};
    projection_ = register_module("projection", std::make_shared<nn::Linear>(shape, context.init.at("projection")));
    const Init init = context.init.at("direction");
    direction_EP_ =
        register_parameter("direction", init.stream().normal({init.seed, 0}, {num_experts(), options.projection}));
    log_scale_ = register_parameter("log_scale", torch::full({1}, -std::log(options.temperature)));
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const auto token_TP = directions_of(gate_scores(input.x_TD, *projection_));
    const auto direction_EP = directions_of(at_least_float32(direction_EP_));
    const auto scale = at_least_float32(log_scale_).clamp_max(std::log(kLargestScale)).exp();
    const auto logit_TE = products_of(token_TP, direction_EP) * scale;
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = choose(logit_TE, input, prob_TE);
    const auto weight_TK = weights_at_choices(options_.weights, logit_TE, prob_TE, expert_TK);
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

  std::vector<ExpertAxis> expert_axes() override { return {{"direction", direction_EP_, 0}}; }
  torch::Tensor embeddings() override { return direction_EP_; }
  double macs_per_token() const override {
    return projection_->macs() + static_cast<double>(options_.projection * num_experts());
  }

 private:
  Options options_;
  std::shared_ptr<nn::Linear> projection_;
  torch::Tensor direction_EP_, log_scale_;
};

}  // namespace

RouterKind router_kind_cosine() {
  return router_kind<CosineRouter>("cosines between token and experts, each token to its k best, learned temperature");
}

}  // namespace heterodyne
