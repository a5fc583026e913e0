// Min-p routing: the experts with at least a share of the best one's probability, which Szatkowski et al. 2024
// ("Exploiting activation sparsity with dense to dynamic-k Mixture-of-Experts conversion") call dynamic k. A token the
// gate is sure of gets one; the more alike the probabilities, the more experts.
#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {
namespace {

class MinPRouter : public LinearGateRouter {
 public:
  struct Options {
    double share = 0.2;
    std::string weights = "renormalized";
    double jitter = 0;
    double init_std = 0;
    void visit(Fields& field) {
      field("share", share, "how much of the best expert's probability an expert must reach", heterodyne::share());
      field("weights", weights, kWeightsSentence, one_of_weights());
      field("jitter", jitter, kJitterSentence, heterodyne::share());
      field("init_std", init_std, kInitStdSentence, at_least(0));
    }
  };

  MinPRouter(const Options& options, const RouterContext& context)
      : LinearGateRouter("router.min_p", 1, options.init_std, context), options_(options) {}

  Routing route(const RouteInput& input) override {
    const auto logit_TE = logits(input, options_.jitter);
    const auto prob_TE = logit_TE.softmax(-1);
    RouteInput asked = input;
    if (asked.override.empty()) asked.override.min_p = options_.share;
    const auto expert_TK = choose(logit_TE, asked, prob_TE);
    const auto weight_TK = weights_at_choices(options_.weights, logit_TE, prob_TE, expert_TK);
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

  int64_t max_choices() const override { return num_experts(); }

 private:
  Options options_;
};

}  // namespace

RouterKind router_kind_min_p() {
  return router_kind<MinPRouter>("softmax gate, each token to the experts that come near its best one");
}

}  // namespace heterodyne
