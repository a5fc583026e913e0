#include "heterodyne/layer/routing_stats.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::routing_stats_test {
namespace {

// Published expert counts of DMMoE on the CIFAR-10 test set, epochs 50 and 1; metrics computed independently.
TEST(Balance, OfThePublishedCounts) {
  const auto last = balance_of({103993, 51438, 103602, 60967});
  EXPECT_NEAR(last.cv, .3004, 5e-5);
  EXPECT_NEAR(last.cv * last.cv, .0903, 5e-5);
  EXPECT_NEAR(last.entropy, .9667, 5e-5);
  EXPECT_NEAR(last.max_violation, .2999, 5e-5);
  const auto first = balance_of({66747, 153824, 19589, 79840});
  EXPECT_NEAR(first.cv, .6019, 5e-5);
  EXPECT_NEAR(first.entropy, .8630, 5e-5);
  EXPECT_NEAR(first.max_violation, .9228, 5e-5);
}

TEST(Balance, OfEvenAndOneSidedCounts) {
  const auto even = balance_of({5, 5, 5, 5});
  EXPECT_EQ(even.cv, 0);
  EXPECT_NEAR(even.entropy, 1, 1e-12);
  EXPECT_NEAR(even.effective, 4, 1e-12);
  EXPECT_EQ(even.gini, 0);
  const auto one = balance_of({0, 8, 0, 0});
  EXPECT_NEAR(one.cv, std::sqrt(3.0), 1e-12);
  EXPECT_EQ(one.entropy, 0);
  EXPECT_NEAR(one.effective, 1, 1e-12);
  EXPECT_NEAR(one.max_violation, 3, 1e-12);
  EXPECT_NEAR(one.gini, .75, 1e-12);
  EXPECT_EQ(one.num_dead, 3);
}

TEST(Balance, CountsTheStarved) {
  const auto balance = balance_of({1000, 1, 0, 999});
  EXPECT_EQ(balance.num_dead, 1);
  EXPECT_EQ(balance.num_starved, 1);
}

TEST(Balance, OfNothingIsZeroNotNaN) {
  const auto nothing = balance_of({0, 0});
  EXPECT_EQ(nothing.cv, 0);
  EXPECT_EQ(nothing.entropy, 0);
  EXPECT_EQ(nothing.num_dead, 2);
  EXPECT_EQ(balance_of({7}).entropy, 1);
}

// Top-2 of eight: all tokens on the same pair gives 2 effective experts; spread over four of them gives 4.
TEST(Balance, IsCollapsedOnTheFewestExpertsThatTokensCanUse) {
  EXPECT_TRUE(is_collapsed(balance_of({50, 50, 0, 0, 0, 0, 0, 0}), 2, 8));
  EXPECT_FALSE(is_collapsed(balance_of({25, 25, 25, 25, 0, 0, 0, 0}), 2, 8));
  EXPECT_FALSE(is_collapsed(balance_of({50, 50, 0}), 2, 3));
  EXPECT_FALSE(is_collapsed(balance_of({0, 0, 0, 0}), 0, 4));
}

TEST(RoutingStats, AddsBatchesByLayer) {
  RoutingLog log;
  log.layers.push_back({"layers.0", torch::tensor({1, 3}, torch::kInt64), 2, 0, 0, {}});
  log.layers.push_back({"layers.2", torch::tensor({4, 0, 0}, torch::kInt64), 2, 1, 3, {}});
  RoutingStats stats;
  stats.add(log);
  stats.add(log);
  ASSERT_EQ(stats.layers().size(), 2U);
  EXPECT_EQ(stats.layers()[0].layer, "layers.0");
  EXPECT_EQ(stats.layers()[0].count_E, (std::vector<int64_t>{2, 6}));
  EXPECT_EQ(stats.layers()[0].mean_k(), 2);
  EXPECT_EQ(stats.layers()[1].num_unrouted, 2);
  EXPECT_EQ(stats.layers()[1].num_dropped, 6);
  log.layers[0].tokens_per_expert_E = torch::tensor({1, 1, 1}, torch::kInt64);
  EXPECT_THROW(stats.add(log), Error);
}

}  // namespace
}  // namespace heterodyne::routing_stats_test
