#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::quantile_test {
namespace {

// k = 1. Thresholds are the second best scores: 0, 1, 0, 0. What expert 0 is above them: 3, 1, 0.5, 5; it is to get two
// tokens, so the third largest counts, 1. Expert 1 is never above: 0.
const auto kScores = torch::tensor({{3.0, 0.0}, {2.0, 1.0}, {0.5, 0.0}, {5.0, 0.0}});

torch::Tensor bias_of(Router& router) { return router.named_buffers()["bias"]; }

TEST(QuantileRouter, BiasesFollowTheQuantiles) {
  const auto router = fixtures::identity_router("quantile", 2, {{"k", 1}, {"keep", 0.75}});
  const auto sums = router->route(fixtures::route_input(kScores)).sums;
  EXPECT_TRUE(torch::equal(sums.at("handicap_E"), torch::tensor({1.0, 0.0}, torch::kFloat64)));
  EXPECT_EQ(bias_of(*router).abs().sum().item<double>(), 0) << "only a step moves them";
  router->after_step(sums);
  // -(1 - 0.75) x (1, 0), less the mean.
  EXPECT_TRUE(torch::allclose(bias_of(*router), torch::tensor({-0.125, 0.125})));
  EXPECT_TRUE(router->selection_bias().is_same(bias_of(*router)));
}

TEST(QuantileRouter, BatchesOfAStepAreAveraged) {
  const auto router = fixtures::identity_router("quantile", 2, {{"k", 1}, {"keep", 0.0}});
  router->after_step(
      {{"handicap_E", torch::tensor({4.0, 2.0}, torch::kFloat64)}, {"batches", torch::tensor(2.0, torch::kFloat64)}});
  EXPECT_TRUE(torch::allclose(bias_of(*router), torch::tensor({-0.5, 0.5})));
}

TEST(QuantileRouter, WeightsKnowNothingOfTheBias) {
  const auto router = fixtures::identity_router("quantile", 2, {{"k", 1}, {"weights", "score"}});
  {
    const torch::NoGradGuard no_grad;
    bias_of(*router).copy_(torch::tensor({-4.0, 4.0}));
  }
  const auto routing = router->route(fixtures::route_input(torch::tensor({{0.0, 0.0}, {9.0, 0.0}})));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::tensor({0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({9.0, 0.0}).sigmoid()));
}

TEST(QuantileRouter, SkewedScoresBecomeBalanced) {
  const auto router = fixtures::identity_router("quantile", 5);
  const auto input = fixtures::route_input(fixtures::normal("x", {1000, 5}) + 2 * torch::arange(5));
  EXPECT_EQ(router->route(input).plan.tokens_per_expert_E.min().item<int64_t>(), 0);
  for (int step = 0; step < 100; ++step) router->after_step(router->route(input).sums);
  const auto count_E = router->route(input).plan.tokens_per_expert_E;
  EXPECT_GT(count_E.min().item<int64_t>(), 360) << count_E;  // within a tenth of 400
  EXPECT_LT(count_E.max().item<int64_t>(), 440) << count_E;
}

TEST(QuantileRouter, WithoutAlternativesNothingMoves) {
  const auto router = fixtures::identity_router("quantile", 2);
  router->after_step(router->route(fixtures::route_input(kScores)).sums);
  router->after_step(router->route(fixtures::route_input(torch::zeros({0, 2}))).sums);
  EXPECT_EQ(bias_of(*router).abs().sum().item<double>(), 0);
  router->eval();
  EXPECT_TRUE(router->route(fixtures::route_input(kScores)).sums.empty()) << "frozen in eval mode";
}

}  // namespace
}  // namespace heterodyne::quantile_test
