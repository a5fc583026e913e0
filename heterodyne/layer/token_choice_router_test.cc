#include "heterodyne/layer/token_choice_router.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne {
namespace {

// Sends every token to the first experts.
struct FirstRouter : TokenChoiceRouter {
  FirstRouter(int64_t k, const RouterContext& context) : TokenChoiceRouter("router.first", k, context) {}
  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    return route_equally(torch::arange(max_choices()).expand({input.x_TD.size(0), max_choices()}), input);
  }
};

TEST(TokenChoiceRouter, KnowsItsNumbers) {
  FirstRouter router(2, fixtures::router_context(4, 3));
  EXPECT_EQ(router.num_experts(), 3);
  EXPECT_EQ(router.max_choices(), 2);
  router.set_num_experts(5);
  EXPECT_EQ(router.num_experts(), 5);
}

TEST(TokenChoiceRouter, RoutesEqually) {
  FirstRouter router(2, fixtures::router_context(4, 3));
  const auto routing = router.route(fixtures::route_input(torch::zeros({5, 4})));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::full({10}, 0.5)));
  EXPECT_TRUE(torch::allclose(routing.prob_TE, torch::full({5, 3}, 1.0 / 3)));
  EXPECT_EQ(routing.logit_TE.abs().sum().item<double>(), 0);
}

TEST(TokenChoiceRouter, NamesTheKindThatRefuses) {
  EXPECT_EQ(fixtures::message_of<Error>([] { FirstRouter(4, fixtures::router_context(4, 3)); }),
            "[router.first] k: expected at most num_experts = 3, got 4");
  FirstRouter router(2, fixtures::router_context(4, 3));
  EXPECT_EQ(fixtures::message_of<Error>([&] { router.set_num_experts(1); }),
            "[router.first] k: expected at most num_experts = 1, got 2");
  EXPECT_EQ(fixtures::message_of<Error>([&] { router.route(fixtures::route_input(torch::zeros({5, 3}))); }),
            "[router.first] x_TD: expected [T, D = 4], got [5, 3]");
}

}  // namespace
}  // namespace heterodyne
