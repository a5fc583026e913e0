#include "heterodyne/train/unused_experts.h"

#include <gtest/gtest.h>

namespace heterodyne {
namespace {

struct Watched {
  std::vector<std::string> warnings;
  UnusedExperts hook{{[this](LogLevel, const std::string& line) { warnings.push_back(line); }}, 3};
  int64_t step = 0;

  explicit Watched(int64_t num_steps) { hook.on_start({num_steps, num_steps, 0, 1}); }

  void steps(int64_t count, const std::vector<int64_t>& count_E) {
    StepResult result;
    result.routing = RoutingStats({{"layers.0", count_E, 10, 0}});
    for (int64_t i = 0; i < count; ++i) hook.on_step({++step, 1, 0.1, 0.1, result});
  }
};

TEST(UnusedExperts, AreToldOfAfterAPeriodAndOnce) {
  Watched run(100);
  run.steps(2, {5, 0, 5, 0});
  EXPECT_TRUE(run.warnings.empty());
  run.steps(7, {5, 0, 5, 0});
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_TRUE(run.warnings[0].starts_with("layers.0: experts 1, 3 got no token in 3 steps")) << run.warnings[0];
  run.steps(3, {5, 0, 0, 5});
  ASSERT_EQ(run.warnings.size(), 2U) << "expert 2 is news";
  EXPECT_TRUE(run.warnings[1].starts_with("layers.0: expert 2 got no token")) << run.warnings[1];
}

TEST(UnusedExperts, OneTokenInAPeriodIsUse) {
  Watched run(100);
  for (int64_t period = 0; period < 4; ++period) {
    run.steps(2, {10, 0});
    run.steps(1, {9, 1});
  }
  EXPECT_TRUE(run.warnings.empty());
}

TEST(UnusedExperts, AreLookedForAtTheEndOfAShortRun) {
  Watched run(2);
  run.steps(2, {10, 0});
  EXPECT_EQ(run.warnings.size(), 1U);
}

}  // namespace
}  // namespace heterodyne
