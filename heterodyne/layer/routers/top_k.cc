// Top-k gate: each token goes to the k experts with the highest scores (Shazeer et al. 2017, equation 3), optionally
// after adding noise to the scores in training. Gumbel noise of scale 1 draws the k experts without replacement from
// the softmax (Kool et al. 2019), which is what DMMoE does.
#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {
namespace {

class TopKRouter : public LinearGateRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string score = "softmax";
    std::string weights = "softmax_of_selected";
    std::string noise = "none";
    double noise_scale = 1;
    double jitter = 0;
    double init_std = 0;
    bool bias = false;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("score", score, "what is made of the logits before they are weighed and balanced", one_of_scores());
      field("weights", weights, kWeightsSentence, one_of_weights());
      field("noise", noise, "what is added to the logits in training", one_of("none", "gumbel", "gaussian"));
      field("noise_scale", noise_scale, "the noise is multiplied by this", at_least(0),
            effective_when(noise != "none", "noise = \"none\""));
      field("jitter", jitter, kJitterSentence, share());
      field("init_std", init_std, kInitStdSentence, at_least(0));
      field("bias", bias, "whether each expert's logit has a learned bias");
    }
  };

  TopKRouter(const Options& options, const RouterContext& context)
      : LinearGateRouter("router.top_k", options.k, options.init_std, context, options.bias),
        options_(options),
        noise_("noise." + context.init.name) {}

  Routing route(const RouteInput& input) override {
    const bool is_noisy = is_training() && (options_.noise != "none" || options_.jitter > 0);
    if (!is_noisy && needs_no_other_logits()) {
      const TokenChoice choice =
          choose_in_passing(input, options_.weights == "one" ? SelectedWeights::kOne : SelectedWeights::kSoftmax);
      if (choice.expert_TK.defined()) return make_routing(choice, input, num_experts());
    }
    auto logit_TE = logits(input, options_.jitter);
    if (is_training() && options_.noise != "none") logit_TE = logit_TE + noise(logit_TE, input.random);
    const bool needs_score = input.needs.probabilities || options_.weights != "softmax_of_selected" ||
                             (options_.score != "softmax" && !input.override.empty());
    const auto score_TE = needs_score ? score_of(options_.score, logit_TE) : torch::Tensor();
    const auto prob_TE = needs_score && options_.score != "softmax" ? shares_of(score_TE) : score_TE;
    const auto expert_TK = choose(logit_TE, input, prob_TE);
    const auto weight_TK = weights_at_choices(options_.weights, logit_TE, score_TE, expert_TK);
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

 private:
  // Whether what the selected weigh depends on their own logits alone. Shares of a softmax that add up to one are the
  // softmax of the selected; a weight of one has the gradient of all.
  bool needs_no_other_logits() const {
    const std::string& weights = options_.weights;
    return weights == "softmax_of_selected" || (weights == "renormalized" && options_.score == "softmax") ||
           (weights == "one" && !torch::GradMode::is_enabled());
  }

  torch::Tensor noise(const torch::Tensor& logit_TE, RandomKey key) const {
    const auto row_T = torch::arange(logit_TE.size(0));
    const bool is_gumbel = options_.noise == "gumbel";
    const auto draw_TE =
        is_gumbel ? noise_.gumbel_rows(key, row_T, num_experts()) : noise_.normal_rows(key, row_T, num_experts());
    return draw_TE.to(logit_TE.scalar_type()) * options_.noise_scale;
  }

  Options options_;
  RandomStream noise_;
};

}  // namespace

RouterKind router_kind_top_k() {
  return router_kind<TopKRouter>("linear gate, each token to its k best experts, with optional noise");
}

}  // namespace heterodyne
