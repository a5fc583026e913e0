// Top-k softmax gate: each token goes to the k experts with the highest scores (Shazeer et al. 2017, equation 3),
// optionally after adding noise to the scores in training. Gumbel noise of scale 1 draws the k experts without
// replacement from the softmax (Kool et al. 2019), which is what DMMoE does.
#include "heterodyne/layer/token_choice_router.h"

namespace heterodyne {
namespace {

class TopKRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string weights = "softmax_of_selected";
    std::string noise = "none";
    double noise_scale = 1;
    double init_std = 0;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("weights", weights,
            "what the selected weigh: the softmax of their scores, their probabilities divided by their sum, their "
            "probabilities as they are, or one with a straight-through gradient",
            one_of("softmax_of_selected", "renormalized", "score", "one"));
      field("noise", noise, "what is added to the scores in training", one_of("none", "gumbel", "gaussian"));
      field("noise_scale", noise_scale, "the noise is multiplied by this", at_least(0),
            effective_when(noise != "none", "noise = \"none\""));
      field("init_std", init_std,
            "standard deviation of the gate's initial values; 0 draws from U(-1/sqrt(width), 1/sqrt(width))",
            at_least(0));
    }
  };

  TopKRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.top_k", options.k, context), options_(options), noise_("noise." + context.init.name) {
    const Init init = context.init.at("gate");
    gate_ = register_module("gate",
                            std::make_shared<nn::Linear>(nn::LinearOptions{context.width, num_experts(), false}, init));
    if (options.init_std == 0) return;
    const auto draw_ED = init.at("weight").stream().normal({init.seed, 0}, {num_experts(), context.width});
    gate_->weight().assign(draw_ED * options.init_std);
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    auto logit_TE = gate_scores(input.x_TD, *gate_);
    if (is_training() && options_.noise != "none") logit_TE = logit_TE + noise(logit_TE, input.random);
    const auto expert_TK = choose(logit_TE, input);
    const bool needs_prob =
        input.needs.probabilities || options_.weights == "renormalized" || options_.weights == "score";
    const auto prob_TE = needs_prob ? logit_TE.softmax(-1) : torch::Tensor();
    return make_routing({expert_TK, weights(logit_TE, prob_TE, expert_TK), prob_TE, logit_TE}, input, num_experts());
  }

  std::vector<ExpertAxis> expert_axes() override { return {{"gate.weight", gate_->weight().matrix(), 0}}; }
  double macs_per_token() const override { return gate_->macs(); }

 private:
  torch::Tensor noise(const torch::Tensor& logit_TE, RandomKey key) const {
    const auto row_T = torch::arange(logit_TE.size(0));
    const bool is_gumbel = options_.noise == "gumbel";
    const auto draw_TE =
        is_gumbel ? noise_.gumbel_rows(key, row_T, num_experts()) : noise_.normal_rows(key, row_T, num_experts());
    return draw_TE.to(logit_TE.scalar_type()) * options_.noise_scale;
  }

  torch::Tensor weights(const torch::Tensor& logit_TE, const torch::Tensor& prob_TE,
                        const torch::Tensor& expert_TK) const {
    if (options_.weights == "softmax_of_selected") return softmax_at_choices(logit_TE, expert_TK);
    if (options_.weights == "one") {
      const auto score_TK = at_choices(logit_TE.softmax(-1), expert_TK, 0);
      return score_TK - score_TK.detach() + 1;
    }
    return options_.weights == "score" ? at_choices(prob_TE, expert_TK, 0) : shares_at_choices(prob_TE, expert_TK);
  }

  Options options_;
  RandomStream noise_;
  std::shared_ptr<nn::Linear> gate_;
};

}  // namespace

RouterKind router_kind_top_k() {
  return router_kind<TopKRouter>("softmax gate, each token to its k best experts, with optional noise");
}

}  // namespace heterodyne
