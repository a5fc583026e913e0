#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::batchwise_test {
namespace {

// Gate values of expert 0: .81757, .78583, .52498, .54983; of expert 1 the rest to 1. Thresholds start at 1/2.
const auto kFour = fixtures::four_tokens().to(torch::kFloat32);
const Table kOne{{"mean_experts", 1}};

TEST(BatchwiseRouter, TrainingKeepsTheBestOfTheBatch) {
  const auto routing = fixtures::identity_router("batchwise", 2, kOne)->route(fixtures::route_input(kFour));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 0}, {1, 0}, {0, 1}, {0, 1}})));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::ones({4})));
}

TEST(BatchwiseRouter, KeptValuesAreDividedByTheirSum) {
  const auto prob_TE = torch::tensor({{.6, .3, .1}, {.2, .1, .7}, {.32, .28, .4}});
  const auto routing = fixtures::identity_router("batchwise", 3, kOne)->route(fixtures::route_input(prob_TE.log()));
  // Experts 0 and 1 keep token 0, expert 2 keeps token 1; token 2 gets none.
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 1, 0}, {0, 0, 1}, {0, 0, 0}})));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({2.0 / 3, 1.0 / 3, 1.0}, torch::kFloat32)));
}

TEST(BatchwiseRouter, EvalComparesWithThresholds) {
  const auto router = fixtures::identity_router("batchwise", 2, kOne);
  router->eval();
  const auto at = [&](double first, double second) {
    const torch::NoGradGuard no_grad;
    router->named_parameters()["threshold"].copy_(torch::tensor({first, second}));
    return fixtures::sent_of(router->route(fixtures::route_input(kFour)));
  };
  EXPECT_TRUE(torch::equal(at(.5, .5), torch::tensor({{1, 0}, {1, 0}, {1, 0}, {1, 0}})));
  EXPECT_TRUE(torch::equal(at(.7, .3), torch::tensor({{1, 0}, {1, 0}, {0, 1}, {0, 1}})));
  EXPECT_EQ(at(.99, .99).sum().item<int64_t>(), 0) << "a token may get none";
  EXPECT_TRUE(router->route(fixtures::route_input(kFour)).losses.empty());
}

// Tokens 2 and 3 are above expert 0's threshold and were not kept, and the other way round for expert 1:
// 2 x (.02498 + .04983) over four tokens.
TEST(BatchwiseRouter, TheLossMovesThresholdsTowardsTheBatchsChoice) {
  const auto router = fixtures::identity_router("batchwise", 2, kOne);
  const auto losses = router->route(fixtures::route_input(kFour)).losses;
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_EQ(losses[0].first, "thresholds");
  EXPECT_NEAR(losses[0].second.item<double>(), 2 * (.02498 + .04983) / 4, 1e-5);
  losses[0].second.backward();
  EXPECT_TRUE(torch::allclose(router->named_parameters()["threshold"].grad(), torch::tensor({-0.5, 0.5})));
}

TEST(BatchwiseRouter, TrainedThresholdsAgreeWithTheBatch) {
  const auto router = fixtures::identity_router("batchwise", 4, {{"mean_experts", 2}});
  const auto input = fixtures::route_input(fixtures::normal("x", {400, 4}) + torch::arange(4) * 0.5);
  auto threshold_E = router->named_parameters()["threshold"];
  for (int step = 0; step < 500; ++step) {
    const auto loss = router->route(input).losses[0].second;
    const auto gradient_E = torch::autograd::grad({loss}, {threshold_E})[0];
    const torch::NoGradGuard no_grad;
    threshold_E.sub_(0.05 * gradient_E);
  }
  const auto wanted_TE = fixtures::sent_of(router->route(input));
  router->eval();
  const auto disagreement = (fixtures::sent_of(router->route(input)) != wanted_TE).sum().item<int64_t>();
  EXPECT_LT(disagreement, 16) << "of 1600 pairs";
}

TEST(BatchwiseRouter, RefusesMoreThanAllExperts) {
  EXPECT_EQ(
      fixtures::message_of<ConfigError>([] { fixtures::identity_router("batchwise", 3, {{"mean_experts", 3.5}}); }),
      "[router.batchwise] mean_experts: expected at most num_experts = 3, got 3.5");
}

TEST(BatchwiseRouter, MaskedTokensTakeNoRoom) {
  const auto router = fixtures::identity_router("batchwise", 2, kOne);
  auto input = fixtures::route_input(kFour);
  input.mask_T = torch::tensor({0, 1, 1, 0}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(fixtures::sent_of(router->route(input)), torch::tensor({{0, 0}, {1, 0}, {0, 1}, {0, 0}})));
}

}  // namespace
}  // namespace heterodyne::batchwise_test
