// Random routing: each token goes to k different experts drawn at random, with equal weights. Learns nothing; it is
// the control that any claim of specialisation needs.
#include "heterodyne/layer/token_choice_router.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne {
namespace {

class RandomRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    void visit(Fields& field) { field("k", k, "experts each token is sent to", at_least(1)); }
  };

  RandomRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.random", options.k, context), stream_("random." + context.init.name) {}

  // In eval mode every batch gets the draws of step 0, so that equal inputs give equal outputs.
  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    const RandomKey key{input.random.seed, is_training() ? input.random.step : 0};
    const auto draw_TE = stream_.uniform_rows(key, draw_row_of(input), num_experts());
    return route_equally(ops::top_k(draw_TE, max_choices(), "router.random"), input);
  }

 private:
  RandomStream stream_;
};

}  // namespace

RouterKind router_kind_random() {
  return router_kind<RandomRouter>("k experts drawn at random with equal weights: a control",
                                   {.takes_override = false});
}

}  // namespace heterodyne
