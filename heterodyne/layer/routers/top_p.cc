// Top-p routing (Huang et al. 2024, "Harder tasks need more experts"): the fewest experts whose probabilities together
// exceed p, so that a token the gate is unsure of gets more of them.
#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {
namespace {

class TopPRouter : public LinearGateRouter {
 public:
  struct Options {
    double p = 0.4;
    std::string weights = "score";
    double jitter = 0;
    double init_std = 0;
    void visit(Fields& field) {
      field("p", p, "what the probabilities of a token's experts together exceed; 1 or more means all experts",
            at_least(0));
      field("weights", weights, kWeightsSentence, one_of_weights());
      field("jitter", jitter, kJitterSentence, share());
      field("init_std", init_std, kInitStdSentence, at_least(0));
    }
  };

  TopPRouter(const Options& options, const RouterContext& context)
      : LinearGateRouter("router.top_p", 1, options.init_std, context), options_(options) {}

  Routing route(const RouteInput& input) override {
    const auto logit_TE = logits(input, options_.jitter);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK =
        input.override.empty() ? nucleus(logit_TE, prob_TE.detach()) : choose(logit_TE, input, prob_TE);
    const auto weight_TK = weights_at_choices(options_.weights, logit_TE, prob_TE, expert_TK);
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

  int64_t max_choices() const override { return num_experts(); }

 private:
  // An expert is in when those before it do not yet exceed p; the one that crosses p is.
  torch::Tensor nucleus(const torch::Tensor& logit_TE, const torch::Tensor& prob_TE) const {
    const auto expert_TE = best(logit_TE, num_experts());
    if (options_.p >= 1) return expert_TE;
    const auto sorted_TE = prob_TE.gather(1, expert_TE).to(torch::kFloat64);
    const auto before_TE = sorted_TE.cumsum(1) - sorted_TE;
    return expert_TE.masked_fill(before_TE > options_.p, -1);
  }

  Options options_;
};

}  // namespace

RouterKind router_kind_top_p() {
  return router_kind<TopPRouter>("softmax gate, each token to the fewest experts that hold p of its probability");
}

}  // namespace heterodyne
