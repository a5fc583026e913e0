#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::min_p_test {
namespace {

// Shares of the best: 1, 0.6, 0.4 and 0.125, 1, 0.125.
const auto kProbabilities = torch::tensor({{0.5, 0.3, 0.2}, {0.1, 0.8, 0.1}}, torch::kFloat32);

Routing route(const Table& settings) {
  return fixtures::identity_router("min_p", 3, settings)->route(fixtures::route_input(kProbabilities.log()));
}

TEST(MinPRouter, TakesWhatComesNearTheBest) {
  const auto num_of = [](double share) { return route({{"share", share}}).num_pairs(); };
  EXPECT_EQ(num_of(1.0), 1 + 1);
  EXPECT_EQ(num_of(0.5), 2 + 1);
  EXPECT_EQ(num_of(0.3), 3 + 1);
  EXPECT_EQ(num_of(0.1), 3 + 3);
  EXPECT_EQ(num_of(0.0), 3 + 3);
}

TEST(MinPRouter, TheChosenShareTheWeight) {
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(route({{"share", 0.5}})),
                              torch::tensor({{0.625F, 0.375F, 0.0F}, {0.0F, 1.0F, 0.0F}})));
}

TEST(MinPRouter, AnswersCanBeSummedUnweighed) {
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(route({{"share", 0.5}, {"weights", "one"}})),
                              torch::tensor({{1.0F, 1.0F, 0.0F}, {0.0F, 1.0F, 0.0F}})));
}

TEST(MinPRouter, WhatIsAskedForAtRunTimeCounts) {
  auto input = fixtures::route_input(kProbabilities.log());
  input.override.min_p = 0.1;
  EXPECT_EQ(fixtures::identity_router("min_p", 3, {{"share", 0.9}})->route(input).num_pairs(), 6);
}

}  // namespace
}  // namespace heterodyne::min_p_test
