#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/layer/resize.h"

namespace heterodyne::residual_test {
namespace {

// Scores are inputs plus twice the scores of the layer before; the last expert is cheap and answers nothing.
std::shared_ptr<Router> make(Table settings) {
  settings.set("kind", "residual");
  auto context = fixtures::router_context(3, 3);
  context.experts[2].kind = "zero";
  context.experts[2].is_null = true;
  auto router = routers().make(Member(settings), context);
  const torch::NoGradGuard no_grad;
  router->named_parameters()["gate.weight"].copy_(torch::eye(3));
  router->named_parameters()["before.weight"].copy_(2 * torch::eye(3));
  return router;
}

TEST(ResidualRouter, AddsAMapOfTheScoresBefore) {
  const auto router = make({});
  auto input = fixtures::route_input(torch::tensor({{3.0, 2.0, 0.0}}));
  EXPECT_TRUE(router->needs_previous_logits());
  EXPECT_TRUE(torch::equal(router->route(input).logit_TE, input.x_TD)) << "the first layer has none before it";
  input.previous_logit_TE = torch::tensor({{0.0, 1.0, 0.25}});
  EXPECT_TRUE(torch::equal(router->route(input).logit_TE, torch::tensor({{3.0, 4.0, 0.5}})));
}

TEST(ResidualRouter, ExpertsThatAnswerNothingHaveNoShare) {
  const auto input = fixtures::route_input(torch::tensor({{.4, .1, .5}}).log());
  EXPECT_TRUE(torch::allclose(make({})->route(input).weight_N, torch::tensor({1.0F, 0.0F})));
  EXPECT_TRUE(torch::allclose(make({{"weights", "score"}})->route(input).weight_N, torch::tensor({0.4F, 0.5F})));
}

// Assignments per token 1/2, 0, 1/2; mean probabilities .4, .3, .3: .5 x .4 + .75 x .5 x .3 = .3125.
TEST(ResidualRouter, CheapExpertsCountLessInTheLoss) {
  const auto input = fixtures::route_input(torch::tensor({{.6, .3, .1}, {.2, .3, .5}}).log());
  const auto losses = make({{"k", 1}})->route(input).losses;
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_EQ(losses[0].first, "balance");
  EXPECT_NEAR(losses[0].second.item<double>(), 0.01 * 0.3125, 1e-8);
}

TEST(ResidualRouter, ALayerHandsItsScoresToTheNext) {
  const Table settings{{"router", Table{{"kind", "residual"}}}};
  const auto first = fixtures::layer_of(settings), second = fixtures::layer_of(settings);
  MoeInput input{fixtures::normal("x", {2, 3, 16}), {}, {3, 5}};
  auto output = first->forward(input, nullptr);
  ASSERT_EQ(output.logit_TE.sizes(), (std::vector<int64_t>{6, 4}));
  const auto alone = second->forward(input, nullptr).logit_TE;
  input.previous_logit_TE = output.logit_TE;
  const auto after = second->forward(input, nullptr).logit_TE;
  const auto map = second->router().named_parameters()["before.weight"];
  EXPECT_TRUE(torch::allclose(after - alone, output.logit_TE.mm(map.t()), 1e-4, 1e-6));
}

TEST(ResidualRouter, BothSidesOfTheMapFollowTheNumberOfExperts) {
  const auto layer = fixtures::layer_of({{"router", Table{{"kind", "residual"}}}});
  const auto changes = add_expert(*layer, {.group = 0, .copy_of = {}}).changes;
  EXPECT_EQ(changes.size(), 3U);
  EXPECT_EQ(layer->router().named_parameters()["before.weight"].sizes(), (std::vector<int64_t>{5, 5}));
  MoeInput input{fixtures::normal("x", {2, 3, 16}), {}, {3, 5}};
  input.previous_logit_TE = torch::zeros({6, 5});
  EXPECT_EQ(layer->forward(input, nullptr).logit_TE.size(1), 5);
}

TEST(ResidualRouter, LayersMustHaveEqualNumbersOfExperts) {
  auto input = fixtures::route_input(torch::zeros({2, 3}));
  input.previous_logit_TE = torch::zeros({2, 4});
  EXPECT_EQ(
      fixtures::message_of<Error>([&] { make({})->route(input); }),
      "[layers.0.router] router \"residual\": expected scores of 3 experts from the MoE layer before, got 4; give "
      "all such layers equal numbers of experts");
}

}  // namespace
}  // namespace heterodyne::residual_test
