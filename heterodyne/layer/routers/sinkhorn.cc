// Sinkhorn routing (S-BASE, Clark et al. 2022): in training the experts are chosen by the plan closest to the scores
// that gives every token and every expert its equal share; in eval mode by the scores themselves. The plan decides,
// without a gradient; the weights are the sigmoid of the score for k = 1, otherwise probabilities as they are.
#include "heterodyne/layer/gated_router.h"
#include "heterodyne/ops/transport.h"

namespace heterodyne {
namespace {

class SinkhornRouter : public GatedRouter {
 public:
  struct Options {
    int64_t k = 1;
    int64_t iterations = 100;
    double tolerance = 1e-4;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("iterations", iterations, "at most so many rescalings of rows and columns", at_least(1));
      field("tolerance", tolerance, "stops when the columns' factors change by a smaller share than this on average",
            more_than(0));
    }
  };

  SinkhornRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.sinkhorn", options.k, context), effort_{options.iterations, options.tolerance} {}

  Routing route(const RouteInput& input) override {
    const auto logit_TE = scores(input);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = choose(is_training() ? plan(logit_TE, input) : logit_TE, input, prob_TE);
    const auto weight_TK = at_choices(max_choices() == 1 ? logit_TE.sigmoid() : prob_TE, expert_TK, 0);
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

 private:
  torch::Tensor plan(const torch::Tensor& logit_TE, const RouteInput& input) const {
    const auto token_C = counted_tokens(input);
    const auto plan_CE = ops::sinkhorn_plan(logit_TE.detach().index_select(0, token_C), effort_);
    return torch::zeros(logit_TE.sizes(), torch::kFloat64).index_copy_(0, token_C, plan_CE);
  }

  ops::PlanEffort effort_;
};

}  // namespace

RouterKind router_kind_sinkhorn() {
  return router_kind<SinkhornRouter>("top k of a plan that shares tokens out evenly (Sinkhorn), in eval mode top k",
                                     {.is_causal_in_training = false});
}

}  // namespace heterodyne
