#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/layer/resize.h"

namespace heterodyne::null_experts_test {
namespace {

// Scores are inputs; the last `num_null` experts are null.
std::shared_ptr<Router> make(int64_t num_experts, int64_t num_null, Table settings) {
  settings.set("kind", "null_experts");
  auto context = fixtures::router_context(num_experts, num_experts);
  for (int64_t i = 0; i < num_null; ++i) context.experts[static_cast<size_t>(num_experts - 1 - i)].is_null = true;
  auto router = routers().make(Member(settings), context);
  const torch::NoGradGuard no_grad;
  router->named_parameters()["gate.weight"].copy_(torch::eye(num_experts));
  return router;
}

TEST(NullExpertsRouter, WeightsAreSharesAmongTrueExperts) {
  const auto prob_TE = torch::tensor({{.5, .3, .15, .05}, {.2, .1, .6, .1}, {.04, .06, .4, .5}});
  const auto routing = make(4, 2, {{"k", 2}})->route(fixtures::route_input(prob_TE.log()));
  // Token 0: experts 0 and 1; token 1: null and 0; token 2: both null.
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 1, 0, 0}, {1, 0, 1, 0}, {0, 0, 1, 1}})));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({.625, 1.0, .375, 0.0, 0.0, 0.0}, torch::kFloat32)));
}

// Loads 1/2, 0, 0, 1/2, of which the null ones make 1/4 each; mean probabilities .25, .25, .15, .35:
// 4 x (.5 x .25 + .25 x .15 + .25 x .35) = 1, where counted one by one it were 1.2.
TEST(NullExpertsRouter, NullExpertsShareTheirLoadInTheLoss) {
  const auto prob_TE = torch::tensor({{.4, .3, .2, .1}, {.1, .2, .1, .6}});
  const auto routing = make(4, 2, {{"k", 1}, {"balance_weight", 0.5}})->route(fixtures::route_input(prob_TE.log()));
  ASSERT_EQ(routing.losses.size(), 1U);
  EXPECT_EQ(routing.losses[0].first, "null_balance");
  EXPECT_NEAR(routing.losses[0].second.item<double>(), 0.5, 1e-6);
  EXPECT_TRUE(make(4, 2, {{"k", 1}, {"balance_weight", 0.0}})->route(fixtures::route_input(prob_TE)).losses.empty());
}

TEST(NullExpertsRouter, OnlyNullChoicesGiveFiniteGradients) {
  auto x = torch::tensor({{0.0, 9.0, 9.0}}).requires_grad_();
  const auto routing = make(3, 2, {{"k", 2}, {"balance_weight", 0.0}})->route(fixtures::route_input(x));
  const auto dx = torch::autograd::grad({routing.weight_N.sum()}, {x})[0];
  EXPECT_EQ(dx.abs().sum().item<double>(), 0);
}

TEST(NullExpertsRouter, KnowsTheExpertsAfterTheirNumberChanged) {
  const auto router = make(3, 1, {{"k", 1}});
  auto experts = fixtures::router_context(3, 3).experts;
  experts[0].is_null = true;
  router->set_experts(experts);
  const auto routing = router->route(fixtures::route_input(torch::eye(3)));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::tensor({0.0F, 1.0F, 1.0F})));
}

// A copy of a null expert is one, whatever position it comes to.
TEST(NullExpertsRouter, ALayerTellsItOfEveryChange) {
  const auto layer = fixtures::layer_of(
      {{"router", Table{{"kind", "null_experts"}, {"k", 4}}},
       {"experts", Array{Table{{"kind", "zero"}, {"count", 2}}, Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 2}}}}});
  const auto shares = [&] {
    auto input = fixtures::route_input(fixtures::normal("x", {5, 16}));
    input.override.k = layer->num_experts();
    const auto routing = layer->router().route(input);
    return torch::zeros({5, layer->num_experts()})
        .index_put({routing.plan.token_N, routing.plan.expert_N}, routing.weight_N.detach());
  };
  EXPECT_EQ(shares().narrow(1, 0, 2).abs().sum().item<double>(), 0);
  add_expert(*layer, {.group = 0, .copy_of = 0});
  EXPECT_EQ(shares().narrow(1, 0, 3).abs().sum().item<double>(), 0);
  EXPECT_TRUE(torch::allclose(shares().narrow(1, 3, 2).sum(1), torch::ones({5})));
  remove_expert(*layer, 0);
  EXPECT_TRUE(torch::allclose(shares().narrow(1, 2, 2).sum(1), torch::ones({5})));
}

TEST(NullExpertsRouter, NeedsAnExpertThatAnswers) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { make(2, 2, {{"k", 1}}); }),
            "[router.null_experts] kind: expected an expert that answers, got null experts alone");
}

}  // namespace
}  // namespace heterodyne::null_experts_test
