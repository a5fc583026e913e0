#include "heterodyne/ops/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::ops::assignment_test {
namespace {

torch::Tensor draw(const char* name, int64_t T, int64_t E) { return RandomStream(name).normal({1, 0}, {T, E}); }

double sum_of(const torch::Tensor& score_TE, const torch::Tensor& column_T) {
  return score_TE.to(torch::kFloat64).gather(1, column_T.unsqueeze(1)).sum().item<double>();
}

// Tries every way to give T rows to E columns with loads that differ by at most one.
double best_sum(const torch::Tensor& score_TE) {
  const int64_t T = score_TE.size(0), E = score_TE.size(1);
  const auto score = score_TE.to(torch::kFloat64);
  double best = -1e300;
  std::vector<int64_t> column_T(static_cast<size_t>(T));
  for (int64_t code = 0; code < static_cast<int64_t>(std::pow(E, T)); ++code) {
    int64_t rest = code;
    std::vector<int64_t> count_E(static_cast<size_t>(E));
    double sum = 0;
    for (int64_t t = 0; t < T; ++t, rest /= E) {
      ++count_E[static_cast<size_t>(rest % E)];
      sum += score.data_ptr<double>()[t * E + rest % E];
    }
    const auto [least, most] = std::minmax_element(count_E.begin(), count_E.end());
    if (*most - *least <= 1) best = std::max(best, sum);
  }
  return best;
}

// Row 1 would rather have column 0, but row 0 loses more by leaving it.
TEST(BalancedAssignment, WeighsWhatIsLostAgainstWhatIsWon) {
  const auto score_TE = torch::tensor({{5.0, 0.0}, {3.0, 2.0}});
  EXPECT_TRUE(torch::equal(balanced_assignment(score_TE), torch::tensor({0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(balanced_assignment(score_TE.flip(0)), torch::tensor({1, 0}, torch::kInt64)));
}

TEST(BalancedAssignment, FindsTheBestOfAllWays) {
  for (const auto& [T, E] : {std::pair<int64_t, int64_t>{6, 3}, {7, 3}, {8, 3}, {5, 4}, {3, 5}, {9, 2}, {4, 1}}) {
    for (int64_t i = 0; i < 5; ++i) {
      const auto score_TE = draw(("scores" + std::to_string(i)).c_str(), T, E);
      const auto column_T = balanced_assignment(score_TE);
      EXPECT_NEAR(sum_of(score_TE, column_T), best_sum(score_TE), 1e-9) << T << " rows, " << E << " columns";
    }
  }
}

TEST(BalancedAssignment, LoadsDifferByAtMostOne) {
  for (const int64_t T : {0, 1, 63, 64, 1000}) {
    const auto column_T = balanced_assignment(draw("scores", T, 7) + torch::arange(7));
    const auto count_E = torch::bincount(column_T, {}, 7);
    EXPECT_EQ(count_E.sum().item<int64_t>(), T);
    EXPECT_LE((count_E.max() - count_E.min()).item<int64_t>(), 1);
  }
}

TEST(BalancedAssignment, TiesAreDividedTheSameWayEachTime) {
  const auto score_TE = torch::zeros({8, 4});
  const auto column_T = balanced_assignment(score_TE);
  EXPECT_TRUE(torch::equal(torch::bincount(column_T, {}, 4), torch::full({4}, 2, torch::kInt64)));
  EXPECT_TRUE(torch::equal(column_T, balanced_assignment(score_TE)));
}

TEST(BalancedAssignment, RefusesScoresWithoutColumns) {
  EXPECT_THROW(balanced_assignment(torch::zeros({3, 0})), ShapeError);
  EXPECT_THROW(balanced_assignment(torch::zeros({3})), ShapeError);
}

TEST(LimitedPairs, TakesTheHighestAsFarAsThereIsRoom) {
  const auto rank_TE = torch::tensor({{0.9, 0.8}, {0.7, 0.1}, {0.2, 0.3}}, torch::kFloat64);
  const auto pairs_TE = limited_pairs(rank_TE, {.per_column = 2, .per_row = 1});
  // (0, 0) first; it uses up row 0, so (0, 1) is refused; then (1, 0), (2, 1).
  EXPECT_TRUE(torch::equal(pairs_TE, torch::tensor({{1, 0}, {1, 0}, {0, 1}}).to(torch::kBool)));
}

// Six rows of two pairs are just enough for four columns of three; taking by rank alone leaves some unfilled.
TEST(LimitedPairs, MovesPairsUntilColumnsAreFull) {
  for (int64_t i = 0; i < 20; ++i) {
    const auto rank_TE = draw(("ranks" + std::to_string(i)).c_str(), 6, 4).to(torch::kFloat64);
    const auto pairs_TE = limited_pairs(rank_TE, {.per_column = 3, .per_row = 2});
    EXPECT_TRUE(torch::equal(pairs_TE.sum(0), torch::full({4}, 3, torch::kInt64)));
    EXPECT_LE(pairs_TE.sum(1).max().item<int64_t>(), 2);
  }
}

TEST(LimitedPairs, StopsWhenNoRowHasRoom) {
  const auto pairs_TE = limited_pairs(draw("ranks", 3, 2).to(torch::kFloat64), {.per_column = 3, .per_row = 1});
  EXPECT_TRUE(torch::equal(pairs_TE.sum(1), torch::ones({3}, torch::kInt64)));
}

}  // namespace
}  // namespace heterodyne::ops::assignment_test
