// Round robin: token t goes to experts t k, t k + 1 ... modulo their number, with equal weights. Perfectly balanced
// and blind: a control, and a router whose every decision a test can predict.
#include "heterodyne/layer/token_choice_router.h"

namespace heterodyne {
namespace {

class RoundRobinRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    void visit(Fields& field) { field("k", k, "experts each token is sent to", at_least(1)); }
  };

  RoundRobinRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.round_robin", options.k, context) {}

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const int64_t T = input.x_TD.size(0), K = max_choices();
    return route_equally(torch::arange(T * K).remainder(num_experts()).view({T, K}), input);
  }
};

}  // namespace

RouterKind router_kind_round_robin() {
  return router_kind<RoundRobinRouter>("experts in turn with equal weights: a control",
                                       {.is_balanced = true, .takes_override = false});
}

}  // namespace heterodyne
