#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::relu_test {
namespace {

const auto kScores = torch::tensor({{1.0, -1.0, 2.0}, {-1.0, -2.0, -3.0}});

double coefficient_of(Router& router) { return router.named_buffers()["coefficient"].item<double>(); }

TEST(ReluRouter, PositiveScoresChooseAndWeigh) {
  const auto routing = fixtures::identity_router("relu", 3)->route(fixtures::route_input(kScores));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 0, 1}, {0, 0, 0}})));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::tensor({1.0F, 2.0F})));
  EXPECT_TRUE(torch::equal(routing.plan.choice_N, torch::tensor({1, 0}, torch::kInt64))) << "the best first";
  EXPECT_TRUE(torch::allclose(routing.prob_TE[1], torch::full({3}, 1.0 / 3))) << "without experts: equal";
}

// Loads 1, 0, 1; mean weights 0.5, 0, 1: 1e-3 x 3 / (2 x 2) x (0.5 + 1).
TEST(ReluRouter, TheLossWeighsMeanWeightsByLoads) {
  const auto router = fixtures::identity_router("relu", 3, {{"coefficient", 1e-3}});
  const auto routing = router->route(fixtures::route_input(kScores));
  ASSERT_EQ(routing.losses.size(), 1U);
  EXPECT_EQ(routing.losses[0].first, "sparsity");
  EXPECT_NEAR(routing.losses[0].second.item<double>(), 1.125e-3, 1e-9);
}

TEST(ReluRouter, MaskedTokensDoNotCountInTheLoss) {
  const auto router = fixtures::identity_router("relu", 3, {{"coefficient", 1e-3}});
  auto input = fixtures::route_input(torch::cat({kScores, torch::full({1, 3}, 50.0)}));
  input.mask_T = torch::tensor({1, 1, 0}).to(torch::kBool);
  EXPECT_NEAR(router->route(input).losses[0].second.item<double>(), 1.125e-3, 1e-9);
}

// Two of three experts are wanted, so a third may be idle.
TEST(ReluRouter, TheCoefficientFollowsTheShareOfIdleExperts) {
  const auto router = fixtures::identity_router("relu", 3, {{"coefficient", 1.0}});
  const auto step = [&](std::vector<double> assignments_E) {
    router->after_step({{"assignments_E", torch::tensor(assignments_E, torch::kFloat64)},
                        {"tokens", torch::tensor(10.0, torch::kFloat64)}});
    return coefficient_of(*router);
  };
  EXPECT_DOUBLE_EQ(step({10, 10, 10}), 1.2);
  EXPECT_DOUBLE_EQ(step({10, 10, 1}), 1.44);
  EXPECT_DOUBLE_EQ(step({2, 3, 4}), 1.2);
}

TEST(ReluRouter, GradientByFiniteDifferences) {
  const auto router = fixtures::identity_router("relu", 4, {{"coefficient", 1.0}});
  router->to(torch::kFloat64);
  const auto f = [&](const std::vector<torch::Tensor>& in) {
    const auto routing = router->route(fixtures::route_input(in[0]));
    return torch::cat({routing.weight_N, routing.losses[0].second.view({1}), routing.prob_TE.reshape(-1)});
  };
  EXPECT_LT(ops::gradient_error(f, {fixtures::normal("x", {6, 4})}, 1e-7), 1e-6);
}

TEST(ReluRouter, RefusesMoreThanAllExperts) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { fixtures::identity_router("relu", 3, {{"mean_experts", 4}}); }),
            "[router.relu] mean_experts: expected at most num_experts = 3, got 4");
}

}  // namespace
}  // namespace heterodyne::relu_test
