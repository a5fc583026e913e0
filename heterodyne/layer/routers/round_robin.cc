// Round robin: the token at position s of sequence b goes to the k experts from (b + s) k on, modulo their number, with
// equal weights. Balanced and blind: a control, and a router whose every decision a test can predict. A text that is
// continued is routed as in one piece.
#include <algorithm>

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
    const int64_t K = max_choices(), length = std::max<int64_t>(input.length, 1);
    const auto sequence_T = torch::arange(input.x_TD.size(0)).div(length, "floor");
    const auto first_T = (sequence_T + position_of(input)) * K;
    return route_equally((first_T.unsqueeze(1) + torch::arange(K)).remainder(num_experts()), input);
  }
};

}  // namespace

RouterKind router_kind_round_robin() {
  return router_kind<RoundRobinRouter>("experts in turn with equal weights: a control",
                                       {.is_balanced = true, .takes_override = false});
}

}  // namespace heterodyne
