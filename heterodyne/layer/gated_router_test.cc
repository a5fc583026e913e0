#include "heterodyne/layer/gated_router.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::gated_router_test {
namespace {

RouteInput two_sequences() {
  auto input = fixtures::route_input(torch::zeros({6, 2}));
  input.num_sequences = 2;
  input.length = 3;
  input.mask_T = torch::tensor({1, 0, 1, 1, 1, 0}).to(torch::kBool);
  return input;
}

TEST(GatedRouter, CountsTokensThatAreNotMasked) {
  auto input = two_sequences();
  EXPECT_TRUE(torch::equal(counted_tokens(input), torch::tensor({0, 2, 3, 4}, torch::kInt64)));
  const auto by_sequence = counted_tokens_by_sequence(input);
  ASSERT_EQ(by_sequence.size(), 2U);
  EXPECT_TRUE(torch::equal(by_sequence[0], torch::tensor({0, 2}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(by_sequence[1], torch::tensor({3, 4}, torch::kInt64)));
  input.mask_T = torch::Tensor();
  EXPECT_EQ(counted_tokens(input).size(0), 6);
  EXPECT_EQ(counted_tokens_by_sequence(input)[1][0].item<int64_t>(), 3);
}

TEST(GatedRouter, RoundsShareOfTokensUp) {
  EXPECT_EQ(tokens_per_expert(2, 40, 6), 14);   // 13.33
  EXPECT_EQ(tokens_per_expert(0.1, 30, 1), 3);  // 0.1 x 30 is a little more than 3 in binary
  EXPECT_EQ(tokens_per_expert(8, 10, 4), 10);
  EXPECT_EQ(tokens_per_expert(1, 0, 4), 0);
}

TEST(GatedRouter, BestTokensAreTheEarlierAmongEquals) {
  const auto score_CE = torch::tensor({{1.0, 0.0}, {2.0, 0.0}, {1.0, 5.0}});
  const auto chosen_CE = best_tokens(score_CE, 2);
  EXPECT_TRUE(torch::equal(chosen_CE, torch::tensor({{1, 1}, {1, 0}, {0, 1}}).to(torch::kBool)));
  EXPECT_FALSE(best_tokens(score_CE, 0).any().item<bool>());
}

TEST(GatedRouter, MarkedExpertsComeBestFirst) {
  const auto marked_TE = torch::tensor({{1, 0, 1}, {0, 0, 0}, {0, 1, 0}}).to(torch::kBool);
  const auto score_TE = torch::tensor({{0.1, 0.9, 0.5}, {0.1, 0.2, 0.3}, {0.5, 0.1, 0.5}});
  EXPECT_TRUE(
      torch::equal(marked_experts(marked_TE, score_TE), torch::tensor({{2, 0}, {-1, -1}, {1, -1}}, torch::kInt64)));
  EXPECT_EQ(marked_experts(torch::zeros({2, 3}, torch::kBool), torch::zeros({2, 3})).size(1), 1);
}

TEST(GatedRouter, PlacesRowsAmongOthers) {
  const auto chosen_CE = torch::tensor({{1, 0}, {1, 1}}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(placed_rows(chosen_CE, torch::tensor({0, 2}, torch::kInt64), 3),
                           torch::tensor({{1, 0}, {0, 0}, {1, 1}}).to(torch::kBool)));
}

}  // namespace
}  // namespace heterodyne::gated_router_test
