#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::top_p_test {
namespace {

const auto kProbabilities = torch::tensor({{0.5, 0.3, 0.2}, {0.1, 0.8, 0.1}}, torch::kFloat32);

Routing route(const Table& settings, const torch::Tensor& prob_TE = kProbabilities) {
  return fixtures::identity_router("top_p", prob_TE.size(1), settings)->route(fixtures::route_input(prob_TE.log()));
}

// Row 0 has the sums 0.5, 0.8, 1, row 1 the sums 0.8, 0.9, 1: the one that exceeds p is the last that counts.
TEST(TopPRouter, TakesTheFewestThatExceedP) {
  const auto num_of = [](double p) { return route({{"p", p}}).num_pairs(); };
  EXPECT_EQ(num_of(0.0), 1 + 1);
  EXPECT_EQ(num_of(0.4), 1 + 1);
  EXPECT_EQ(num_of(0.6), 2 + 1);
  EXPECT_EQ(num_of(0.85), 3 + 2);
  EXPECT_EQ(num_of(0.95), 3 + 3);
}

TEST(TopPRouter, WeightsAreTheProbabilitiesAsTheyAre) {
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(route({{"p", 0.6}})),
                              torch::tensor({{0.5F, 0.3F, 0.0F}, {0.0F, 0.8F, 0.0F}})));
}

// Some sums of rounded probabilities exceed 1 before the last expert, some never reach it.
TEST(TopPRouter, OneMeansAllExperts) {
  const auto prob_TE = fixtures::normal("x", {500, 40}).softmax(1);
  EXPECT_EQ(route({{"p", 1.0}}, prob_TE).num_pairs(), 500 * 40);
}

TEST(TopPRouter, NoPIsTooLargeForATokenToHaveExperts) {
  const auto prob_TE = fixtures::normal("x", {500, 40}).softmax(1);
  const auto routing = route({{"p", 0.9999999}}, prob_TE);
  EXPECT_GE(routing.num_pairs(), 500);
  EXPECT_LE(routing.num_pairs(), 500 * 40);
}

}  // namespace
}  // namespace heterodyne::top_p_test
