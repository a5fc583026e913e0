#include "heterodyne/layer/token_choice_router.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::token_choice_router_test {
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

TEST(TokenChoiceRouter, WeighsChoicesByEachRule) {
  const auto logit_TE = torch::tensor({{0.0, 1.0, 2.0}}, torch::kFloat64);
  const auto score_TE = torch::tensor({{0.2, 0.3, 0.5}}, torch::kFloat64).requires_grad_();
  const auto expert_TK = torch::tensor({{2, 0, -1}}, torch::kInt64);
  const auto weights = [&](const char* rule) { return weights_at_choices(rule, logit_TE, score_TE, expert_TK); };
  const auto expect = [](const torch::Tensor& value, double a, double b) {
    EXPECT_TRUE(torch::allclose(value, torch::tensor({{a, b, 0.0}}, torch::kFloat64))) << value;
  };
  expect(weights("softmax_of_selected"), 1 / (1 + std::exp(-2.0)), 1 / (1 + std::exp(2.0)));
  expect(weights("renormalized"), 5.0 / 7, 2.0 / 7);
  expect(weights("score"), 0.5, 0.2);
  expect(weights("one"), 1, 1);
  const auto gradient = torch::autograd::grad({weights("one").sum()}, {score_TE})[0];
  EXPECT_TRUE(torch::equal(gradient, torch::tensor({{1.0, 0.0, 1.0}}, torch::kFloat64)));
}

TEST(TokenChoiceRouter, SharesOfScoresSumToOne) {
  EXPECT_TRUE(
      torch::allclose(shares_of(torch::tensor({{1.0, 3.0}, {0.0, 0.0}})), torch::tensor({{0.25, 0.75}, {0.0, 0.0}})));
}

TEST(TokenChoiceRouter, CountedRowsAreThoseOfTheMask) {
  const auto value = torch::tensor({{1.0}, {2.0}, {3.0}});
  EXPECT_TRUE(torch::equal(counted_rows(value, {}), value));
  EXPECT_TRUE(torch::equal(counted_rows(value, torch::tensor({true, false, true})), torch::tensor({{1.0}, {3.0}})));
}

}  // namespace
}  // namespace heterodyne::token_choice_router_test
