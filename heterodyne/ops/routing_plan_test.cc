#include "heterodyne/ops/routing_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/cases.h"

namespace heterodyne::ops::routing_plan_test {
namespace {

class RoutingPlanCases : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, RoutingPlanCases, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

// Against a stable sort of the pairs.
TEST_P(RoutingPlanCases, SortsPairsByExpertThenTokenThenChoice) {
  const auto expert_TK = choices_of(GetParam());
  const auto plan = plan_routing(expert_TK, GetParam().num_experts);
  std::vector<std::tuple<int64_t, int64_t, int64_t>> expected;
  for (int64_t t = 0; t < expert_TK.size(0); ++t) {
    for (int64_t k = 0; k < expert_TK.size(1); ++k) {
      const int64_t expert = expert_TK[t][k].item<int64_t>();
      if (expert >= 0) expected.emplace_back(expert, t, k);
    }
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(plan.num_pairs(), static_cast<int64_t>(expected.size()));
  for (size_t p = 0; p < expected.size(); ++p) {
    const auto i = static_cast<int64_t>(p);
    EXPECT_EQ(
        std::tuple(plan.expert_N[i].item<int64_t>(), plan.token_N[i].item<int64_t>(), plan.choice_N[i].item<int64_t>()),
        expected[p]);
  }
}

TEST_P(RoutingPlanCases, TheWayBackListsEachTokensPairsInOrderOfChoice) {
  const auto plan = plan_routing(choices_of(GetParam()), GetParam().num_experts);
  ASSERT_EQ(plan.num_tokens(), GetParam().num_tokens);
  EXPECT_EQ(plan.tokens_per_expert_E.sum().item<int64_t>(), plan.num_pairs());
  EXPECT_EQ(plan.expert_offsets().back(), plan.num_pairs());
  for (int64_t t = 0; t < plan.num_tokens(); ++t) {
    int64_t last_choice = -1;
    for (int64_t i = plan.token_offset_T1[t].item<int64_t>(); i < plan.token_offset_T1[t + 1].item<int64_t>(); ++i) {
      const int64_t pair = plan.pair_of_token_N[i].item<int64_t>();
      EXPECT_EQ(plan.token_N[pair].item<int64_t>(), t);
      EXPECT_GT(plan.choice_N[pair].item<int64_t>(), last_choice);
      last_choice = plan.choice_N[pair].item<int64_t>();
    }
  }
}

TEST(RoutingPlan, AHandWorkedPlan) {
  const auto plan = plan_routing(torch::tensor({{2, 0}, {-1, -1}, {0, -1}}, torch::kInt64), 3);
  EXPECT_TRUE(torch::equal(plan.expert_N, torch::tensor({0, 0, 2}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(plan.token_N, torch::tensor({0, 2, 0}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(plan.choice_N, torch::tensor({1, 0, 0}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(plan.pair_of_token_N, torch::tensor({2, 0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(plan.token_offset_T1, torch::tensor({0, 2, 2, 3}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(plan.tokens_per_expert_E, torch::tensor({2, 0, 1}, torch::kInt64)));
}

TEST(RoutingPlan, RefusesWhatIsNoExpert) {
  try {
    plan_routing(torch::tensor({{0, 1}, {1, 5}}, torch::kInt64), 3);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "[plan_routing] expert_TK: expected -1 .. 2, got 5 for token 1");
  }
  EXPECT_THROW(plan_routing(torch::zeros({3, 2}), 3), ShapeError);
  EXPECT_THROW(plan_routing(torch::zeros({3}, torch::kInt64), 3), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::routing_plan_test
