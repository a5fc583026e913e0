#include "heterodyne/base/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace heterodyne::assignment_test {
namespace {

using Columns = std::vector<int64_t>;

// Taking the cheapest of each row in turn costs 1 + 4 + 9; the best is 3 + 2 + 4 = 9 (worked by hand).
TEST(Assignment, IsTheCheapestAsAWhole) {
  EXPECT_EQ(cheapest_assignment({1, 2, 3, 2, 4, 6, 3, 6, 9}, 3, 3), (Columns{2, 1, 0}));
}

TEST(Assignment, OfMoreRowsThanColumnsLeavesSomeWithout) {
  EXPECT_EQ(cheapest_assignment({5, 1, 3}, 3, 1), (Columns{-1, 0, -1}));
  EXPECT_EQ(cheapest_assignment({5, 1, 3}, 1, 3), (Columns{1}));
  EXPECT_EQ(cheapest_assignment({}, 0, 3), Columns{});
  EXPECT_EQ(cheapest_assignment({}, 2, 0), (Columns{-1, -1}));
}

TEST(Assignment, EqualsTheBestOfAllPermutations) {
  uint64_t state = 7;
  for (int trial = 0; trial < 50; ++trial) {
    constexpr size_t n = 5;
    std::vector<double> cost(n * n);
    for (double& value : cost) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      value = static_cast<double>(state >> 40) / 1e6 - 5;
    }
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    double best = 1e9;
    do {
      double sum = 0;
      for (size_t r = 0; r < n; ++r) sum += cost[r * n + order[r]];
      best = std::min(best, sum);
    } while (std::next_permutation(order.begin(), order.end()));
    double found = 0;
    const auto column_of = cheapest_assignment(cost, n, n);
    for (size_t r = 0; r < n; ++r) found += cost[r * n + static_cast<size_t>(column_of[r])];
    EXPECT_NEAR(found, best, 1e-9) << "trial " << trial;
  }
}

}  // namespace
}  // namespace heterodyne::assignment_test
