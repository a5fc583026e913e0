#include "heterodyne/eval/paired.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::paired_test {
namespace {

// The two-sided 5 % column of Student's table as printed in statistics books.
TEST(Student, IsThatOfThePrintedTable) {
  for (const auto& [freedom, expected] :
       {std::pair(1, 12.706), {2, 4.303}, {3, 3.182}, {4, 2.776}, {9, 2.262}, {30, 2.042}, {120, 1.980}}) {
    EXPECT_NEAR(student_95(freedom), expected, 5e-4) << freedom;
  }
  EXPECT_NEAR(student_95(100000), 1.960, 5e-4) << "that of the normal distribution";
}

// Of one degree the distribution is Cauchy's: t = tan(0.95 pi / 2).
TEST(Student, OfOneDegreeIsCauchys) { EXPECT_NEAR(student_95(1), std::tan(0.475 * std::acos(-1.0)), 1e-9); }

// Differences 1, 2 and 3: mean 2, deviation 1, half width 4.3027 / sqrt(3) = 2.4841.
TEST(PairedDifference, IsTheMeanWithStudentsInterval) {
  const auto result = paired_difference({1, 2, 3});
  EXPECT_EQ(result.count, 3);
  EXPECT_DOUBLE_EQ(result.mean, 2);
  EXPECT_DOUBLE_EQ(result.deviation, 1);
  EXPECT_NEAR(result.low, -0.4841, 1e-4);
  EXPECT_NEAR(result.high, 4.4841, 1e-4);
  EXPECT_FALSE(result.is_distinguishable());
}

TEST(PairedDifference, OfOneSignIsDistinguishableWhenTheIntervalLeavesOutZero) {
  EXPECT_TRUE(paired_difference({2, 2.1, 1.9}).is_distinguishable());
  EXPECT_TRUE(paired_difference({-2, -2.1, -1.9}).is_distinguishable());
  EXPECT_TRUE(paired_difference({1, 1}).is_distinguishable()) << "an interval of no width";
  EXPECT_FALSE(paired_difference({0, 0}).is_distinguishable());
}

TEST(PairedDifference, OfFewerThanTwoHasNoInterval) {
  EXPECT_EQ(paired_difference({}).count, 0);
  const auto one = paired_difference({5});
  EXPECT_EQ(one.mean, 5);
  EXPECT_EQ(one.low, 5);
  EXPECT_FALSE(one.has_interval());
  EXPECT_FALSE(one.is_distinguishable());
}

}  // namespace
}  // namespace heterodyne::paired_test
