// Switch routing (Fedus et al. 2021, section 2.1): each token goes to its best expert alone, which weighs what its
// probability is, so that the gate has a gradient; in training the input is jittered.
#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {
namespace {

class SwitchRouter : public LinearGateRouter {
 public:
  struct Options {
    double jitter = 0.01;
    double init_std = 0;
    void visit(Fields& field) {
      field("jitter", jitter, kJitterSentence, share());
      field("init_std", init_std, kInitStdSentence, at_least(0));
    }
  };

  SwitchRouter(const Options& options, const RouterContext& context)
      : LinearGateRouter("router.switch", 1, options.init_std, context), options_(options) {}

  Routing route(const RouteInput& input) override {
    const auto logit_TE = logits(input, options_.jitter);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = choose(logit_TE, input, prob_TE);
    return make_routing({expert_TK, at_choices(prob_TE, expert_TK, 0), prob_TE, logit_TE}, input, num_experts());
  }

 private:
  Options options_;
};

}  // namespace

RouterKind router_kind_switch() {
  return router_kind<SwitchRouter>("softmax gate, each token to its best expert, which weighs its probability");
}

}  // namespace heterodyne
