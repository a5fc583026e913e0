// Top-2 gating of GShard (Lepikhin et al. 2020, algorithm 1): the two best experts share the weight by their
// probabilities g1 and g2, divided by g1 + g2. The second may be left out; the first keeps its share then.
#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {
namespace {

class GshardRouter : public LinearGateRouter {
 public:
  struct Options {
    std::string second = "random";
    double threshold = 0.2;
    double jitter = 0;
    double init_std = 0;
    void visit(Fields& field) {
      field("second", second,
            "which second choices count: all, none, those whose share is above the threshold, or each with probability "
            "2 x share",
            one_of("all", "none", "threshold", "random"));
      field("threshold", threshold, "a second choice counts when its share is above this", share(),
            effective_when(second == "threshold", "second is not \"threshold\""));
      field("jitter", jitter, kJitterSentence, share());
      field("init_std", init_std, kInitStdSentence, at_least(0));
    }
  };

  GshardRouter(const Options& options, const RouterContext& context)
      : LinearGateRouter("router.gshard", 2, options.init_std, context),
        options_(options),
        second_("second." + context.init.name) {}

  Routing route(const RouteInput& input) override {
    const auto logit_TE = logits(input, options_.jitter);
    const auto prob_TE = input.needs.probabilities ? logit_TE.softmax(-1) : torch::Tensor();
    auto expert_TK = choose(logit_TE, input);
    const auto weight_TK = softmax_at_choices(logit_TE, expert_TK);
    if (input.override.empty()) {
      const auto leaves_T = keeps_second(weight_TK.select(1, 1).detach(), input).logical_not();
      expert_TK.select(1, 1).masked_fill_(leaves_T, -1);
    }
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

 private:
  // In eval mode every batch gets the draws of step 0.
  torch::Tensor keeps_second(const torch::Tensor& share_T, const RouteInput& input) const {
    if (options_.second == "all") return torch::ones_like(share_T, torch::kBool);
    if (options_.second == "none") return torch::zeros_like(share_T, torch::kBool);
    if (options_.second == "threshold") return share_T > options_.threshold;
    const RandomKey key{input.random.seed, is_training() ? input.random.step : 0};
    return 2 * share_T > second_.uniform_rows(key, draw_row_of(input), 1).squeeze(1).to(share_T.scalar_type());
  }

  Options options_;
  RandomStream second_;
};

}  // namespace

RouterKind router_kind_gshard() {
  return router_kind<GshardRouter>("softmax gate, each token to its two best experts, the second not always");
}

}  // namespace heterodyne
