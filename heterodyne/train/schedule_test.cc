// The promises of schedule.h, kept by every kind, and each kind's own numbers.
#include "heterodyne/train/schedule.h"

#include <gtest/gtest.h>

namespace heterodyne::schedule_test {
namespace {

std::shared_ptr<Schedule> make(Table settings) { return schedules().make(Member(std::move(settings))); }

class ScheduleContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, ScheduleContract, testing::ValuesIn(schedules().names()),
                         [](const auto& test) { return test.param; });

TEST_P(ScheduleContract, StaysBetweenZeroAndTheFullRate) {
  const auto schedule = make({{"kind", GetParam()}});
  for (const int64_t num_steps : {1, 2, 3, 10, 1000}) {
    for (int64_t step = 0; step < num_steps; ++step) {
      const auto rates = schedule->at(step, num_steps);
      EXPECT_GE(rates.lr_factor, 0) << step << " of " << num_steps;
      EXPECT_LE(rates.lr_factor, 1 + 1e-12) << step << " of " << num_steps;
      const double momentum = rates.momentum.value_or(0);
      EXPECT_TRUE(momentum >= 0 && momentum < 1);
    }
  }
}

TEST(ConstantSchedule, NeverChanges) {
  const auto schedule = make({{"kind", "constant"}});
  EXPECT_EQ(schedule->at(0, 10).lr_factor, 1);
  EXPECT_EQ(schedule->at(9, 10).lr_factor, 1);
  EXPECT_FALSE(schedule->at(9, 10).momentum.has_value());
}

// Four steps up (1/4, 2/4, 3/4, 1), then from 1 at step 4 to 0.1 at step 9.
TEST(LinearSchedule, WarmsUpAndComesDown) {
  const auto schedule = make({{"kind", "linear"}, {"warmup_steps", 4}, {"end_factor", 0.1}});
  EXPECT_DOUBLE_EQ(schedule->at(0, 10).lr_factor, 0.25);
  EXPECT_DOUBLE_EQ(schedule->at(3, 10).lr_factor, 1);
  EXPECT_DOUBLE_EQ(schedule->at(4, 10).lr_factor, 1);
  EXPECT_DOUBLE_EQ(schedule->at(9, 10).lr_factor, 0.1);
  EXPECT_DOUBLE_EQ(schedule->at(5, 10).lr_factor, 1 - 0.9 / 5);
}

// A quarter, a half, three quarters, 1; then sqrt(4 / 5), sqrt(4 / 6) ...; half the rate at four times the warm-up.
TEST(InverseSqrtSchedule, WarmsUpAndFallsWithTheRootOfTheStep) {
  const auto schedule = make({{"kind", "inverse_sqrt"}, {"warmup_steps", 4}});
  EXPECT_DOUBLE_EQ(schedule->at(0, 100).lr_factor, 0.25);
  EXPECT_DOUBLE_EQ(schedule->at(2, 100).lr_factor, 0.75);
  EXPECT_DOUBLE_EQ(schedule->at(3, 100).lr_factor, 1);
  EXPECT_NEAR(schedule->at(4, 100).lr_factor, 0.894427, 1e-6);
  EXPECT_DOUBLE_EQ(schedule->at(15, 100).lr_factor, 0.5);
  EXPECT_DOUBLE_EQ(schedule->at(63, 100).lr_factor, 0.25);
  EXPECT_DOUBLE_EQ(schedule->at(63, 1000).lr_factor, 0.25) << "whatever the length of the run";
}

// Two of ten steps up; then half a cosine over steps 2 .. 9, its middle between steps 5 and 6.
TEST(CosineSchedule, WarmsUpAndComesDown) {
  const auto schedule = make({{"kind", "cosine"}, {"warmup_fraction", 0.2}, {"end_factor", 0.2}});
  EXPECT_DOUBLE_EQ(schedule->at(0, 10).lr_factor, 0.5);
  EXPECT_DOUBLE_EQ(schedule->at(1, 10).lr_factor, 1);
  EXPECT_DOUBLE_EQ(schedule->at(2, 10).lr_factor, 1);
  EXPECT_DOUBLE_EQ(schedule->at(9, 10).lr_factor, 0.2);
  EXPECT_NEAR((schedule->at(5, 10).lr_factor + schedule->at(6, 10).lr_factor) / 2, 0.6, 1e-12);
}

// Printed by PyTorch's OneCycleLR (2.13) over AdamW, max_lr 1e-3, total_steps 100, defaults: lr / max_lr and beta1.
TEST(OneCycleSchedule, IsTheFrameworks) {
  const auto schedule = make({{"kind", "one_cycle"}});
  const struct {
    int64_t step;
    double lr, momentum;
  } golden[] = {{0, 0.039999999999999994, 0.95},
                {1, 0.04281378056590743, 0.9497068978577179},
                {15, 0.5459866761210004, 0.897293054570729},
                {29, 1.0, 0.85},
                {30, 0.9994965352845243, 0.8500503466729342},
                {31, 0.9979871550490317, 0.850201285300238},
                {64, 0.500002, 0.8999999999999999},
                {98, 0.0005074647154757879, 0.9499496533270657},
                {99, 4e-06, 0.95}};
  for (const auto& [step, lr, momentum] : golden) {
    EXPECT_NEAR(schedule->at(step, 100).lr_factor, lr, 1e-12) << step;
    EXPECT_NEAR(*schedule->at(step, 100).momentum, momentum, 1e-12) << step;
  }
}

TEST(OneCycleSchedule, MovesTheMomentumDownToThePeakWhereTheRateStaysAtIt) {
  const auto schedule = make({{"kind", "one_cycle"}, {"start_divisor", 1}});
  EXPECT_DOUBLE_EQ(schedule->at(15, 100).lr_factor, 1);
  EXPECT_NEAR(*schedule->at(0, 100).momentum, 0.95, 1e-12);
  EXPECT_NEAR(*schedule->at(29, 100).momentum, 0.85, 1e-12);
}

TEST(OneCycleSchedule, LeavesTheMomentumAloneWhenToldTo) {
  EXPECT_FALSE(make({{"kind", "one_cycle"}, {"cycle_momentum", false}})->at(3, 10).momentum.has_value());
  EXPECT_THROW(make({{"kind", "one_cycle"}, {"cycle_momentum", false}, {"lowest_momentum", 0.5}}), ConfigError);
}

}  // namespace
}  // namespace heterodyne::schedule_test
