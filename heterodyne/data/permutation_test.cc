#include "heterodyne/data/permutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace heterodyne::permutation_test {
namespace {

const RandomStream kStream("test.permutation");

TEST(Permutation, HoldsEveryNumberOnce) {
  for (const int64_t count : {0, 1, 2, 1000}) {
    auto order = permutation(count, kStream, {1, 2});
    std::sort(order.begin(), order.end());
    std::vector<int64_t> expected(static_cast<size_t>(count));
    std::iota(expected.begin(), expected.end(), int64_t{0});
    EXPECT_EQ(order, expected);
  }
}

TEST(Permutation, IsAFunctionOfItsAddress) {
  const auto order = permutation(100, kStream, {1, 2});
  EXPECT_EQ(permutation(100, kStream, {1, 2}), order);
  EXPECT_NE(permutation(100, kStream, {1, 3}), order);
  EXPECT_NE(permutation(100, kStream, {2, 2}), order);
  EXPECT_NE(permutation(100, RandomStream("test.other"), {1, 2}), order);
}

// 6000 draws among 6 orders: 1000 each, standard deviation 29. Five deviations are allowed.
TEST(Permutation, EachOrderIsEquallyLikely) {
  std::map<std::vector<int64_t>, int> seen;
  for (uint64_t step = 0; step < 6000; ++step) ++seen[permutation(3, kStream, {0, step})];
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& [order, count] : seen) EXPECT_NEAR(count, 1000, 5 * 29);
}

TEST(ShuffledRange, HitsEveryNumberOnce) {
  const RandomStream stream("test");
  for (const int64_t count : {1, 2, 3, 4, 5, 17, 64, 1000}) {
    const ShuffledRange shuffled(count, stream, {7, 3});
    std::set<int64_t> seen;
    for (int64_t i = 0; i < count; ++i) seen.insert(shuffled.at(i));
    EXPECT_EQ(static_cast<int64_t>(seen.size()), count);
    EXPECT_GE(*seen.begin(), 0);
    EXPECT_LT(*seen.rbegin(), count);
  }
}

// Over 2,000 keys each of six orders of three numbers should come 333 times, with a standard deviation of 17.
TEST(ShuffledRange, OrdersAreAboutEquallyLikely) {
  std::map<std::vector<int64_t>, int> seen;
  for (uint64_t key = 0; key < 2000; ++key) {
    const ShuffledRange shuffled(3, RandomStream("test"), {1, key});
    ++seen[{shuffled.at(0), shuffled.at(1), shuffled.at(2)}];
  }
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& [order, count] : seen) EXPECT_NEAR(count, 333, 100);
}

}  // namespace
}  // namespace heterodyne::permutation_test
