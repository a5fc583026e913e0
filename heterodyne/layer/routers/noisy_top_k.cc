// Noisy top-k gate (Shazeer et al. 2017, section 2.1): learned noise is added to the scores in training, each token
// goes to the k best experts, and the loads are estimated with a gradient. Both matrices begin with zeros, so that at
// first chance alone decides.
#include "heterodyne/layer/noisy_gate.h"
#include "heterodyne/layer/token_choice_router.h"

namespace heterodyne {
namespace {

class NoisyTopKRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    double noise_floor = 0;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("noise_floor", noise_floor,
            "what is added to the noise's standard deviation: 0 in the paper, 0.01 in Tensor2Tensor", at_least(0));
    }
  };

  NoisyTopKRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.noisy_top_k", options.k, context),
        options_(options),
        draws_("noise." + context.init.name) {
    const nn::LinearOptions shape{context.width, num_experts(), false};
    gate_ = register_module("gate", std::make_shared<nn::Linear>(shape, context.init.at("gate")));
    noise_ = register_module("noise", std::make_shared<nn::Linear>(shape, context.init.at("noise")));
    for (const auto& linear : {gate_, noise_}) linear->weight().assign(torch::zeros_like(linear->weight().matrix()));
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const auto scores = scores_of(input);
    const auto& logit_TE = scores.noisy_TE;
    const auto prob_TE = input.needs.probabilities ? logit_TE.softmax(-1) : torch::Tensor();
    if (!input.override.empty()) return route_as_asked(logit_TE, prob_TE, input);
    const auto choice = keep_best(scores, max_choices(), layer_name());
    auto routing = make_routing({choice.expert_TK, choice.weight_TK, prob_TE, logit_TE}, input, num_experts());
    routing.load_E = counted_rows(choice.keep_TE, input.mask_T).sum(0);
    return routing;
  }

  std::vector<ExpertAxis> expert_axes() override {
    return {{"gate.weight", gate_->weight().matrix(), 0}, {"noise.weight", noise_->weight().matrix(), 0}};
  }
  double macs_per_token() const override { return gate_->macs(); }

 private:
  GateScores scores_of(const RouteInput& input) const {
    const auto clean_TE = gate_scores(input.x_TD, *gate_);
    if (!is_training()) return quiet_scores(clean_TE);
    const auto draw_TE = draws_.normal_rows(input.random, draw_row_of(input), num_experts());
    return noisy_scores(clean_TE, gate_scores(input.x_TD, *noise_), draw_TE, options_.noise_floor);
  }

  Routing route_as_asked(const torch::Tensor& logit_TE, const torch::Tensor& prob_TE, const RouteInput& input) const {
    const auto expert_TK = choose(logit_TE, input);
    return make_routing({expert_TK, softmax_at_choices(logit_TE, expert_TK), prob_TE, logit_TE}, input, num_experts());
  }

  Options options_;
  RandomStream draws_;
  std::shared_ptr<nn::Linear> gate_, noise_;
};

}  // namespace

RouterKind router_kind_noisy_top_k() {
  return router_kind<NoisyTopKRouter>(
      "softmax of the k best scores after learned noise, with an estimate of the loads");
}

}  // namespace heterodyne
