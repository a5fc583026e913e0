#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::gshard_test {
namespace {

// The two best of the first token share 0.9 and 0.1, those of the second 0.7 and 0.3.
const auto kProbabilities = torch::tensor({{0.72, 0.08, 0.1, 0.1}, {0.1, 0.56, 0.24, 0.1}}, torch::kFloat32);

Routing route(const Table& settings, const torch::Tensor& prob_TE = kProbabilities) {
  return fixtures::identity_router("gshard", 4, settings)->route(fixtures::route_input(prob_TE.log()));
}

TEST(GshardRouter, TheTwoBestShareByTheirProbabilities) {
  const auto third = 0.72 / 0.82;
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(route({{"second", "all"}})),
                              torch::tensor({{third, 0.0, 1 - third, 0.0}, {0.0, 0.7, 0.3, 0.0}}, torch::kFloat32)));
}

TEST(GshardRouter, TheFirstKeepsItsShareWithoutASecond) {
  const auto routing = route({{"second", "none"}});
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({0.72F / 0.82F, 0.7F})));
}

TEST(GshardRouter, AThresholdLeavesOutSmallShares) {
  const auto choice_N = route({{"second", "threshold"}, {"threshold", 0.2}}).plan.token_N;
  EXPECT_TRUE(torch::equal(choice_N, torch::tensor({0, 1, 1}, torch::kInt64)));
  EXPECT_THROW(route({{"second", "all"}, {"threshold", 0.2}}), ConfigError);
}

// A share of 0.3 stays with probability 0.6: 12,000 of 20,000, with a deviation of 69.
TEST(GshardRouter, ARandomSecondStaysWithTwiceItsShare) {
  const auto routing = route({}, kProbabilities.narrow(0, 1, 1).expand({20000, 4}));
  EXPECT_EQ(routing.plan.tokens_per_expert_E[1].item<int64_t>(), 20000);
  EXPECT_NEAR(routing.plan.tokens_per_expert_E[2].item<double>(), 12000, 350);
}

TEST(GshardRouter, AskedAtRunTimeNothingIsLeftOut) {
  auto input = fixtures::route_input(kProbabilities.log());
  input.override.k = 3;
  EXPECT_EQ(fixtures::identity_router("gshard", 4, {{"second", "none"}})->route(input).num_pairs(), 6);
}

}  // namespace
}  // namespace heterodyne::gshard_test
