#include "heterodyne/convert/bounded_assignment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::bounded_assignment_test {
namespace {

BoundedAssignment draw(int64_t items, std::vector<BinBounds> bounds, uint64_t step) {
  BoundedAssignment problem{{}, std::move(bounds)};
  const auto values = RandomStream("gains").normal({1, step}, {items * problem.num_bins()}).to(torch::kFloat64);
  problem.gain_MN.assign(values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel());
  return problem;
}

bool keeps_bounds(const BoundedAssignment& problem, const std::vector<int64_t>& bin_M) {
  for (int64_t bin = 0; bin < problem.num_bins(); ++bin) {
    const auto size = std::count(bin_M.begin(), bin_M.end(), bin);
    const auto& bounds = problem.bounds[static_cast<size_t>(bin)];
    if (size < bounds.least || size > bounds.most) return false;
  }
  return true;
}

// By trying all.
double best_by_force(const BoundedAssignment& problem) {
  const int64_t M = problem.num_items(), N = problem.num_bins();
  int64_t count = 1;
  for (int64_t i = 0; i < M; ++i) count *= N;
  double best = -1e300;
  for (int64_t code = 0; code < count; ++code) {
    std::vector<int64_t> bin_M(static_cast<size_t>(M));
    int64_t rest = code;
    for (auto& bin : bin_M) bin = rest % N, rest /= N;
    if (keeps_bounds(problem, bin_M)) best = std::max(best, gain_of(problem, bin_M));
  }
  return best;
}

// Both items like bin 0 better, which takes one: 5 + 1 with the first there, 3 + 4 with the second.
TEST(BoundedAssignment, AHandWorkedCase) {
  const BoundedAssignment problem{{5, 3, 4, 1}, {{0, 1}, {0, 2}}};
  const auto bin_M = assign_within(problem);
  EXPECT_EQ(bin_M, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(gain_of(problem, bin_M), 7);
}

TEST(BoundedAssignment, EqualsTryingAll) {
  const std::vector<std::vector<BinBounds>> all{
      {{2, 2}, {2, 2}, {2, 2}}, {{0, 6}, {0, 6}, {0, 6}}, {{1, 4}, {1, 4}, {1, 4}}, {{0, 1}, {5, 6}, {0, 0}}, {{6, 6}}};
  for (uint64_t step = 0; step < 20; ++step) {
    for (const auto& bounds : all) {
      const auto problem = draw(6, bounds, step);
      const auto bin_M = assign_within(problem);
      EXPECT_TRUE(keeps_bounds(problem, bin_M));
      EXPECT_NEAR(gain_of(problem, bin_M), best_by_force(problem), 1e-9) << step;
    }
  }
}

TEST(BoundedAssignment, AStartDoesNotChangeTheOptimum) {
  const auto problem = draw(60, {{5, 20}, {5, 20}, {5, 20}, {5, 20}, {5, 20}}, 3);
  std::vector<int64_t> start(60);
  for (size_t i = 0; i < 60; ++i) start[i] = static_cast<int64_t>(i % 5);
  const double expected = gain_of(problem, assign_within(problem));
  EXPECT_NEAR(gain_of(problem, assign_within(problem, start)), expected, 1e-9);
  std::fill(start.begin(), start.end(), 0);  // breaks the bounds
  EXPECT_NEAR(gain_of(problem, assign_within(problem, start)), expected, 1e-9);
  EXPECT_GT(expected, gain_of(problem, start));
}

TEST(BoundedAssignment, TiesAndZerosEnd) {
  const BoundedAssignment problem{std::vector<double>(40, 0.0), {{2, 3}, {2, 3}, {2, 3}, {2, 3}}};
  EXPECT_TRUE(keeps_bounds(problem, assign_within(problem)));
}

TEST(BoundedAssignment, RefusesWhatCannotBe) {
  EXPECT_THROW(assign_within({{1, 2, 3}, {{0, 2}}}), Error);             // three items, room for two
  EXPECT_THROW(assign_within({{1, 2, 3, 4}, {{2, 4}, {1, 4}}}), Error);  // two items, three are owed
  EXPECT_THROW(assign_within({{1, 2}, {{2, 1}}}), Error);
  EXPECT_THROW(assign_within({{1, std::numeric_limits<double>::infinity()}, {{0, 2}}}), Error);
}

}  // namespace
}  // namespace heterodyne::bounded_assignment_test
