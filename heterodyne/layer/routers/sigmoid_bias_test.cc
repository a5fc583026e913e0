#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::sigmoid_bias_test {
namespace {

// Six experts in three groups of two.
const auto kScores = torch::tensor({{0.9, 0.1, 0.6, 0.55, 0.5, 0.52}}, torch::kFloat32);

std::shared_ptr<Router> make(const Table& settings, int64_t num_experts = 6) {
  return fixtures::identity_router("sigmoid_bias", num_experts, settings);
}

Routing route(Router& router) { return router.route(fixtures::route_input(kScores.logit())); }

void expect_weights(const Routing& routing, const std::vector<double>& expected) {
  const auto weight_TE = fixtures::weights_of(routing);
  EXPECT_TRUE(torch::allclose(weight_TE, torch::tensor(expected, torch::kFloat32).unsqueeze(0), 1e-5, 1e-6))
      << weight_TE;
}

TEST(SigmoidBiasRouter, WeighsTheBestByTheirScores) { expect_weights(route(*make({})), {0.6, 0, 0.4, 0, 0, 0}); }

// The two scores of the groups sum to 1.0, 1.15 and 1.02.
TEST(SigmoidBiasRouter, TakesExpertsOfTheBestGroupAlone) {
  const auto routing = route(*make({{"groups", 3}}));
  expect_weights(routing, {0, 0, 0.521739, 0.478261, 0, 0});
}

TEST(SigmoidBiasRouter, AGroupCanBeJudgedByItsBestScore) {
  const auto routing = route(*make({{"groups", 3}, {"group_score", "max"}}));
  expect_weights(routing, {0.9, 0.1, 0, 0, 0, 0});
}

TEST(SigmoidBiasRouter, WeightsCanStayAsTheyAreAndBeScaled) {
  const auto routing = route(*make({{"renormalize", false}, {"scale", 2.5}}));
  expect_weights(routing, {2.25, 0, 1.5, 0, 0, 0});
}

TEST(SigmoidBiasRouter, TheBiasSelectsAndDoesNotWeigh) {
  const auto router = make({});
  router->selection_bias()[1] = 0.7;
  expect_weights(route(*router), {0.9, 0.1, 0, 0, 0, 0});
  router->selection_bias().add_(3);
  expect_weights(route(*router), {0.9, 0.1, 0, 0, 0, 0});  // a bias of all alike changes nothing
}

// Loads 6, 2, 1 have the mean 3: the first is over it, the others are under it.
TEST(SigmoidBiasRouter, TheBiasFallsForExpertsWithTooManyTokens) {
  const Sums sums{{"assignments_E", torch::tensor({6.0, 2.0, 1.0}, torch::kFloat64)}};
  const auto sign = make({{"bias_rate", 0.01}}, 3);
  sign->after_step(sums);
  sign->after_step(sums);
  EXPECT_TRUE(torch::allclose(sign->selection_bias(), torch::tensor({-0.02F, 0.02F, 0.02F})));
  const auto proportional = make({{"bias_rate", 0.03}, {"bias_rule", "proportional"}}, 3);
  proportional->after_step(sums);
  EXPECT_TRUE(torch::allclose(proportional->selection_bias(), torch::tensor({-0.03F, 0.01F, 0.02F})));
  proportional->after_step({{"assignments_E", torch::zeros({3}, torch::kFloat64)}});
  EXPECT_TRUE(torch::allclose(proportional->selection_bias(), torch::tensor({-0.03F, 0.01F, 0.02F})));
  EXPECT_TRUE(proportional->named_buffers().contains("selection_bias")) << "checkpoints hold it";
}

// All tokens want the same two of four experts; their biases fall by 0.01 a step until the others are as good.
TEST(SigmoidBiasRouter, EvensTheLoads) {
  const auto router = make({{"bias_rate", 0.01}}, 4);
  const auto x_TD = fixtures::normal("x", {400, 4}) * 0.5 + torch::tensor({1.0, 0.8, -0.8, -1.0});
  torch::Tensor count_E;
  for (int step = 0; step < 200; ++step) {
    count_E = router->route(fixtures::route_input(x_TD)).plan.tokens_per_expert_E.to(torch::kFloat64);
    router->after_step({{"assignments_E", count_E}});
  }
  EXPECT_LT(count_E.max().item<double>() / 200 - 1, 0.15);
}

TEST(SigmoidBiasRouter, GroupsMustFit) {
  const auto refusal = [](const Table& settings) { return fixtures::message_of<ConfigError>([&] { make(settings); }); };
  EXPECT_NE(refusal({{"groups", 4}}).find("groups: expected a divisor of num_experts = 6, got 4"), std::string::npos);
  EXPECT_NE(refusal({{"groups", 2}, {"k_groups", 3}, {"k", 3}}).find("k_groups: expected at most groups = 2, got 3"),
            std::string::npos);
  EXPECT_NE(refusal({{"groups", 3}, {"k_groups", 2}, {"k", 1}}).find("k_groups: expected at most k = 1, got 2"),
            std::string::npos);
  EXPECT_NE(refusal({{"groups", 3}, {"k", 3}}).find("k: expected at most 2, the experts of k_groups = 1 groups, got 3"),
            std::string::npos);
  EXPECT_THROW(make({{"groups", 3}})->set_num_experts(7), ConfigError);
}

}  // namespace
}  // namespace heterodyne::sigmoid_bias_test
