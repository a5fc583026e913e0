#include "heterodyne/base/random.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "heterodyne/base/random_cpu.h"

namespace heterodyne::random_test {
namespace {

using Words = std::array<uint32_t, 4>;

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(Random, PhiloxGivesThePublishedWords) {
  EXPECT_EQ(internal::philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(internal::philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(internal::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, TheSameForAnyNumberOfThreads) {
  const RandomStream stream("test.threads");
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto uniform = stream.uniform({7, 3}, {100003});
  const auto normal = stream.normal({7, 3}, {100003});
  const auto rows = stream.uniform_rows({7, 3}, torch::arange(777), 131);
  at::set_num_threads(3);
  EXPECT_TRUE(torch::equal(uniform, stream.uniform({7, 3}, {100003})));
  EXPECT_TRUE(torch::equal(normal, stream.normal({7, 3}, {100003})));
  EXPECT_TRUE(torch::equal(rows, stream.uniform_rows({7, 3}, torch::arange(777), 131)));
  at::set_num_threads(threads);
}

TEST(Random, ADrawDependsOnItsAddressAlone) {
  const RandomStream stream("test.address");
  const auto all = stream.uniform({1, 2}, {1000});
  EXPECT_TRUE(torch::equal(all.narrow(0, 0, 37), stream.uniform({1, 2}, {37})));
  const auto rows = stream.uniform_rows({1, 2}, torch::tensor({5, 900, 2}), 41);
  EXPECT_TRUE(torch::equal(rows[1], stream.uniform_rows({1, 2}, torch::tensor({900}), 41)[0]));
  const auto normal_rows = stream.normal_rows({1, 2}, torch::tensor({5, 900, 2}), 41);
  EXPECT_EQ(normal_rows.size(1), 41);
  EXPECT_TRUE(torch::equal(normal_rows[1], stream.normal_rows({1, 2}, torch::tensor({900}), 41)[0]));
}

TEST(Random, SeedStepNameAndRowAllMatter) {
  const auto base = RandomStream("a").uniform({1, 2}, {64});
  EXPECT_FALSE(torch::equal(base, RandomStream("b").uniform({1, 2}, {64})));
  EXPECT_FALSE(torch::equal(base, RandomStream("a").uniform({2, 2}, {64})));
  EXPECT_FALSE(torch::equal(base, RandomStream("a").uniform({1, 3}, {64})));
  EXPECT_FALSE(torch::equal(base, RandomStream("a").uniform_rows({1, 2}, torch::tensor({1}), 64)[0]));
}

// 1e6 draws: the mean of a uniform has standard error 2.9e-4, its variance 7.5e-5; of a normal 1e-3 and 1.4e-3.
// Tokens are addressed by sequence x 2^31 + position.
TEST(Random, RowsMayBeAnyWholeNumber) {
  const auto row_N = torch::arange(12) * (int64_t{1} << 31);
  const auto draw_N4 = RandomStream("a").uniform_rows({1, 2}, row_N, 4);
  EXPECT_EQ(std::get<0>(torch::unique_dim(draw_N4, 0)).size(0), 12);
  std::set<uint64_t> numbers;
  for (uint64_t row = 0; row < 12; ++row) numbers.insert(RandomStream("a").below({1, 2}, row << 31, uint64_t{1} << 62));
  EXPECT_EQ(numbers.size(), 12U);
}

TEST(Random, MomentsAreRight) {
  const auto uniform = RandomStream("test.moments").uniform({0, 0}, {1000000}).to(torch::kFloat64);
  EXPECT_NEAR(uniform.mean().item<double>(), 0.5, 1.2e-3);
  EXPECT_NEAR(uniform.var().item<double>(), 1.0 / 12, 3e-4);
  EXPECT_GE(uniform.min().item<double>(), 0.0);
  EXPECT_LT(uniform.max().item<double>(), 1.0);
  const auto normal = RandomStream("test.moments").normal({0, 0}, {1000001}).to(torch::kFloat64);
  EXPECT_NEAR(normal.mean().item<double>(), 0.0, 4e-3);
  EXPECT_NEAR(normal.var().item<double>(), 1.0, 6e-3);
  EXPECT_NEAR(normal.pow(4).mean().item<double>(), 3.0, 4e-2);
}

// The two ends of the range: -ln(25 ln 2) and 25 ln 2, to first order.
TEST(Random, GumbelDrawsAreFiniteAtBothEnds) {
  EXPECT_NEAR(gumbel_of(0.0F), -std::log(25 * std::log(2.0)), 1e-6);
  EXPECT_NEAR(gumbel_of(1.0F - 0x1p-24F), 25 * std::log(2.0), 1e-5);
}

// Mean 0.5772 (Euler's constant) and variance pi^2 / 6; standard errors at 1e6 draws 1.3e-3 and 3.4e-3.
TEST(Random, GumbelMomentsAreRight) {
  const auto draws = RandomStream("test.gumbel").gumbel_rows({0, 0}, torch::arange(1000), 1000).to(torch::kFloat64);
  EXPECT_NEAR(draws.mean().item<double>(), 0.57722, 5e-3);
  EXPECT_NEAR(draws.var().item<double>(), 1.64493, 1.4e-2);
}

TEST(Random, BelowStaysBelowAndReachesAll) {
  const RandomStream stream("test.below");
  std::set<uint64_t> seen;
  for (uint64_t row = 0; row < 200; ++row) seen.insert(stream.below({4, 0}, row, 7));
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(*seen.rbegin(), 6U);
}

}  // namespace
}  // namespace heterodyne::random_test
