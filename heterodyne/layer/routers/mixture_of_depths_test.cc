#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::mixture_of_depths_test {
namespace {

// One expert, whose score of a token is the token; two sequences of four.
RouteInput two_sequences() {
  auto input = fixtures::route_input(torch::tensor({0.1, 0.9, -0.5, 0.3, -4.0, -1.0, -3.0, -2.0}).view({8, 1}));
  input.num_sequences = 2;
  input.length = 4;
  return input;
}

std::shared_ptr<Router> make(double capacity) {
  const auto router = fixtures::identity_router("mixture_of_depths", 1, {{"capacity", capacity}});
  const torch::NoGradGuard no_grad;
  for (const auto* name : {"predictor.weight", "predictor.bias"}) router->named_parameters()[name].zero_();
  return router;
}

TEST(MixtureOfDepthsRouter, TakesTheBestOfEachSequence) {
  const auto routing = make(0.5)->route(two_sequences());
  EXPECT_TRUE(torch::equal(routing.plan.token_N, torch::tensor({1, 3, 5, 7}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::tensor({0.9F, 0.3F, -1.0F, -2.0F}))) << "the scores themselves";
}

TEST(MixtureOfDepthsRouter, MaskedTokensMakeASequenceShorter) {
  auto input = two_sequences();
  input.mask_T = torch::tensor({1, 0, 0, 1, 1, 1, 1, 1}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(make(0.5)->route(input).plan.token_N, torch::tensor({3, 5, 7}, torch::kInt64)));
}

TEST(MixtureOfDepthsRouter, EvalAsksThePredictorTokenByToken) {
  const auto router = make(0.5);
  {
    const torch::NoGradGuard no_grad;
    router->named_parameters()["predictor.weight"].fill_(1);
    router->named_parameters()["predictor.bias"].fill_(1.5);
  }
  router->eval();
  const auto routing = router->route(two_sequences());
  EXPECT_TRUE(torch::equal(routing.plan.token_N, torch::tensor({0, 1, 2, 3, 5}, torch::kInt64))) << "those above -1.5";
  EXPECT_TRUE(routing.losses.empty());
}

TEST(MixtureOfDepthsRouter, ThePredictorLearnsAndTheNetworkDoesNot) {
  const auto router = make(0.5);
  auto input = two_sequences();
  input.x_TD = input.x_TD.clone().requires_grad_();
  const auto losses = router->route(input).losses;
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_EQ(losses[0].first, "predictor");
  EXPECT_NEAR(losses[0].second.item<double>(), std::log(2.0), 1e-6) << "it knows nothing yet";
  losses[0].second.backward();
  EXPECT_FALSE(input.x_TD.grad().defined());
  EXPECT_FALSE(router->named_parameters()["gate.weight"].grad().defined());
  // (1/2 - chosen) x token, averaged: chosen are 1, 3, 5, 7.
  const double slope = 0.5 * (0.1 - 0.9 - 0.5 - 0.3 - 4.0 + 1.0 - 3.0 + 2.0) / 8;
  EXPECT_NEAR(router->named_parameters()["predictor.weight"].grad().item<double>(), slope, 1e-6);
}

TEST(MixtureOfDepthsRouter, TakesAnEighthByDefault) {
  const auto router = fixtures::identity_router("mixture_of_depths", 1);
  EXPECT_EQ(router->route(fixtures::route_input(fixtures::normal("x", {64, 1}))).num_pairs(), 8);
}

TEST(MixtureOfDepthsRouter, RefusesNoCapacity) {
  EXPECT_THROW(make(0), ConfigError);
  EXPECT_THROW(make(1.5), ConfigError);
}

}  // namespace
}  // namespace heterodyne::mixture_of_depths_test
