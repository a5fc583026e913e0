// The words and choices; whole sweeps, interrupted and killed, are in tests/end_to_end/sweep_test.py.
#include "cli/sweep/runner.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::runner_test {
namespace {

using Texts = std::vector<std::string>;

TEST(Runner, DoneRunsAreLeftAloneAndFailedOnesUnlessAskedFor) {
  EXPECT_TRUE(is_to_do(RunState::kNew, false));
  EXPECT_TRUE(is_to_do(RunState::kStopped, false));
  EXPECT_FALSE(is_to_do(RunState::kDone, true));
  EXPECT_FALSE(is_to_do(RunState::kFailed, false));
  EXPECT_TRUE(is_to_do(RunState::kFailed, true));
  EXPECT_FALSE(is_to_do(RunState::kBusy, true));
}

TEST(Runner, ANewRunStartsAndAnyOtherGoesOn) {
  SweepRun run;
  run.config = "demo";
  run.settings = {"seed=1", "name=demo"};
  EXPECT_EQ(
      train_words(run, "out/demo-seed-1", RunState::kNew, {"--threads", "1"}),
      (Texts{"train", "demo", "--set", "seed=1", "--set", "name=demo", "--out", "out/demo-seed-1", "--threads", "1"}));
  EXPECT_EQ(train_words(run, "out/demo-seed-1", RunState::kStopped, {"--threads", "1"}),
            (Texts{"train", "--resume", "out/demo-seed-1", "--threads", "1"}));
}

}  // namespace
}  // namespace heterodyne::cli::runner_test
