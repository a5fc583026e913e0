#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::sinkhorn_test {
namespace {

const auto kFour = fixtures::four_tokens().to(torch::kFloat32);

// The plan, by rows: (.16846, .08154), (.15711, .09289), (.08438, .16562), (.09005, .15995).
TEST(SinkhornRouter, TrainingFollowsThePlan) {
  const auto routing = fixtures::identity_router("sinkhorn", 2)->route(fixtures::route_input(kFour));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 0}, {1, 0}, {0, 1}, {0, 1}})));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({2.0, 1.5, 0.9, 0.1}).sigmoid()));
}

TEST(SinkhornRouter, EvalTakesTheBestScores) {
  const auto router = fixtures::identity_router("sinkhorn", 2);
  router->eval();
  const auto routing = router->route(fixtures::route_input(kFour));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::zeros({4}, torch::kInt64)));
}

TEST(SinkhornRouter, SeveralChoicesWeighTheirProbabilities) {
  const auto routing = fixtures::identity_router("sinkhorn", 2, {{"k", 2}})->route(fixtures::route_input(kFour));
  const auto weight_N = torch::tensor({.81757, .78583, .52498, .54983, .18243, .21417, .47502, .45017});
  EXPECT_TRUE(torch::allclose(routing.weight_N, weight_N, 0, 1e-5));
}

TEST(SinkhornRouter, MaskedTokensHaveNoShareInThePlan) {
  const auto router = fixtures::identity_router("sinkhorn", 2);
  auto input = fixtures::route_input(torch::cat({kFour, torch::tensor({{0.0, 90.0}, {0.0, 90.0}})}));
  input.mask_T = torch::arange(6) < 4;
  EXPECT_TRUE(torch::equal(fixtures::sent_of(router->route(input)).narrow(0, 0, 4),
                           torch::tensor({{1, 0}, {1, 0}, {0, 1}, {0, 1}})));
}

}  // namespace
}  // namespace heterodyne::sinkhorn_test
