#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::switch_test {
namespace {

// Rows of probabilities; their best experts are 0, 0, 1, 0.
const auto kProbabilities =
    torch::tensor({{0.7, 0.2, 0.1}, {0.5, 0.3, 0.2}, {0.1, 0.8, 0.1}, {0.6, 0.1, 0.3}}, torch::kFloat32);

TEST(SwitchRouter, TheBestExpertWeighsItsProbability) {
  const auto router = fixtures::identity_router("switch", 3);
  router->eval();
  const auto routing = router->route(fixtures::route_input(kProbabilities.log()));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::tensor({0, 0, 0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({0.7F, 0.5F, 0.6F, 0.8F})));
  EXPECT_TRUE(torch::allclose(routing.prob_TE, kProbabilities));
}

TEST(SwitchRouter, TheGateHasAGradient) {
  auto x = kProbabilities.log().requires_grad_();
  const auto routing = fixtures::identity_router("switch", 3)->route(fixtures::route_input(x));
  EXPECT_GT(torch::autograd::grad({routing.weight_N.sum()}, {x})[0].abs().max().item<double>(), 0.1);
}

TEST(SwitchRouter, JittersInTrainingByOneInAHundred) {
  const auto x_TD = torch::ones({100, 4});
  const auto router = fixtures::identity_router("switch", 4);
  const auto difference = (router->route(fixtures::route_input(x_TD)).logit_TE - 1).abs().max().item<double>();
  EXPECT_GT(difference, 0.009);
  EXPECT_LE(difference, 0.01 + 1e-6);
}

}  // namespace
}  // namespace heterodyne::switch_test
