// Mixture of depths (Raposo et al. 2024): an expert works on a share of each sequence's tokens, those with the highest
// of its scores, and the others pass by; usually there is one expert, a block of the network. The weight is the score
// itself. Which tokens are the best of a sequence is known when it has ended, so in eval mode a second linear map
// decides for each token alone. It has learned to predict the choice, without a gradient to the network.
#include <ATen/ops/binary_cross_entropy_with_logits.h>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

class MixtureOfDepthsRouter : public GatedRouter {
 public:
  struct Options {
    double capacity = 0.125;
    double predictor_weight = 1;
    void visit(Fields& field) {
      field("capacity", capacity, "share of each sequence's tokens that an expert takes", more_than(0), share());
      field("predictor_weight", predictor_weight,
            "what the cross-entropy of the predicted choice is multiplied by; it reaches the predictor alone",
            more_than(0));
    }
  };

  MixtureOfDepthsRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.mixture_of_depths", 1, context), options_(options) {
    const nn::LinearOptions shape{context.width, num_experts()};
    predictor_ = register_module("predictor", std::make_shared<nn::Linear>(shape, context.init.at("predictor")));
  }

  Routing route(const RouteInput& input) override {
    const auto score_TE = scores(input);
    const auto prob_TE = score_TE.softmax(-1);
    const auto predicted_TE = gate_scores(input.x_TD.detach(), *predictor_);
    const auto chosen_TE = is_training() ? best_of_sequences(score_TE, input) : predicted_TE.detach() > 0;
    const auto expert_TK =
        input.override.empty() ? marked_experts(chosen_TE, score_TE) : choose(score_TE, input, prob_TE);
    auto routing =
        make_routing({expert_TK, at_choices(score_TE, expert_TK, 0), prob_TE, score_TE}, input, num_experts());
    if (is_training()) routing.losses.emplace_back("predictor", predictor_loss(predicted_TE, chosen_TE, input));
    return routing;
  }

  int64_t max_choices() const override { return num_experts(); }
  std::vector<ExpertAxis> expert_axes() override {
    auto axes = GatedRouter::expert_axes();
    axes.push_back({"predictor.weight", predictor_->weight().matrix(), 0});
    axes.push_back({"predictor.bias", predictor_->bias(), 0});
    return axes;
  }
  double macs_per_token() const override { return GatedRouter::macs_per_token() + predictor_->macs(); }

 private:
  torch::Tensor best_of_sequences(const torch::Tensor& score_TE, const RouteInput& input) const {
    auto chosen_TE = torch::zeros(score_TE.sizes(), torch::kBool);
    for (const auto& token_C : counted_tokens_by_sequence(input)) {
      const int64_t count = tokens_per_expert(options_.capacity, token_C.size(0), 1);
      chosen_TE |= placed_rows(best_tokens(score_TE.index_select(0, token_C), count), token_C, score_TE.size(0));
    }
    return chosen_TE;
  }

  torch::Tensor predictor_loss(const torch::Tensor& predicted_TE, const torch::Tensor& chosen_TE,
                               const RouteInput& input) const {
    const auto token_C = counted_tokens(input);
    if (token_C.size(0) == 0) return predicted_TE.sum() * 0;
    const auto predicted_CE = predicted_TE.index_select(0, token_C);
    const auto chosen_CE = chosen_TE.index_select(0, token_C).to(predicted_CE.scalar_type());
    return options_.predictor_weight * at::binary_cross_entropy_with_logits(predicted_CE, chosen_CE);
  }

  Options options_;
  std::shared_ptr<nn::Linear> predictor_;
};

}  // namespace

RouterKind router_kind_mixture_of_depths() {
  return router_kind<MixtureOfDepthsRouter>("an expert takes the best tokens of each sequence, others pass by",
                                            {.is_causal_in_training = false, .may_drop = true, .is_balanced = true});
}

}  // namespace heterodyne
