#include "heterodyne/ops/steps/idle_steps.h"

#include <gtest/gtest.h>

namespace heterodyne::ops::idle_steps_test {
namespace {

IdleAdam idle_of(const std::vector<double>& c, const std::vector<double>& a, double eps = 1e-8) {
  IdleAdam idle;
  idle.eps = eps;
  idle.set_steps(c, a);
  return idle;
}

// What the groups stand for at one v, as the header writes it.
double sum_of(const IdleAdam& idle, double root_v) {
  double sum = 0;
  for (const auto& group : idle.groups) {
    const double r = 1 / (group.root * root_v + idle.eps), u = 1 - idle.eps * r;
    double power = 1;
    for (const double q : group.series) {
      sum += r * power * q;
      power *= u;
    }
  }
  return sum;
}

TEST(IdleSteps, StepsNearEachOtherShareAGroup) {
  const auto idle = idle_of({1, 1, 1, 1}, {1, 1.125, 1.25, 0.5});
  ASSERT_EQ(idle.groups.size(), 3U) << "1 and 1.125 lie a seventeenth from their middle, 1 and 1.25 a ninth";
  EXPECT_DOUBLE_EQ(idle.groups[0].root, 1.0625);
  EXPECT_NEAR(idle.groups[0].width, 1.0 / 17, 1e-15);
  EXPECT_DOUBLE_EQ(idle.groups[1].root, 1.25);
  EXPECT_EQ(idle.groups[1].width, 0);
  EXPECT_DOUBLE_EQ(idle.groups[2].root, 0.5);
}

TEST(IdleSteps, GroupsAddUpToTheSteps) {
  const std::vector<double> c{0.5, 0.25, 0.125, 3, 0}, a{1, 0.95, 0.9, 0.3, 0.29};
  for (const double eps : {1e-8, 0.1}) {
    const auto idle = idle_of(c, a, eps);
    for (const double root_v : {0.0, 1e-9, 1e-3, 1.0, 1e4}) {
      double expected = 0;
      for (size_t i = 0; i < c.size(); ++i) expected += c[i] / (a[i] * root_v + eps);
      EXPECT_NEAR(sum_of(idle, root_v) / expected, 1, 1e-14) << eps << ", " << root_v;
    }
  }
}

TEST(IdleSteps, OfStepsThatRoundingLosesNoneIsKept) {
  EXPECT_TRUE(idle_of({}, {}).groups.empty());
  EXPECT_EQ(idle_of({1, 1e-17}, {1, 0.1}).groups.size(), 1U);
  EXPECT_EQ(idle_of({1, 1e-17}, {1, 1e-4}).groups.size(), 2U) << "1e-17 / 1e-4 counts where v is large";
}

TEST(IdleSteps, MomentsThatVanishedAreZero) {
  IdleAdam idle;
  idle.mean_scale = 1e-31;
  idle.square_scale = 1e-29;
  idle.set_steps({}, {});
  EXPECT_EQ(idle.mean_scale, 0);
  EXPECT_EQ(idle.square_scale, 1e-29);
}

}  // namespace
}  // namespace heterodyne::ops::idle_steps_test
