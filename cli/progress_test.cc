#include "cli/progress.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::progress_test {
namespace {

std::string shown(bool is_tty) {
  testing::internal::CaptureStderr();
  Terminal terminal({.is_tty = is_tty, .use_colour = false, .quiet = false, .show_progress = is_tty});
  Progress progress(terminal);
  progress.on_start({.num_steps = 100, .steps_per_epoch = 10, .first_step = 5, .num_epochs = 10});
  const StepResult result{1.5, {{"task", 1.4}}, 64, 32, 0.5, RoutingStats({{"layers.0", {40, 20, 4, 0}, 32, 0, 0}})};
  progress.on_step({6, 1, 1e-3, 0.5, result});
  progress.on_log(
      {6,
       1,
       Table{{"epoch", 0.6}, {"loss", 1.5}, {"task", 1.4}, {"accuracy", 0.5}, {"lr", 1e-3}, {"examples_per_s", 128.0}},
       {}});
  Evaluation evaluation;
  evaluation.metrics.add(torch::tensor({{1.0, 0.0}}), torch::tensor({0}, torch::kInt64));
  progress.on_validation({6, 1, evaluation, {}, true});
  // Afterwards a step may count other experts than before.
  progress.on_growth({6, {{"layers.0", "remove", 3, {}, "0 assignments in 5 steps", 3}}});
  progress.on_step({7, 1, 1e-3, 0.5, {1.5, {}, 64, 32, 0.5, RoutingStats({{"layers.0", {40, 20, 4}, 32, 0, 0}})}});
  return testing::internal::GetCapturedStderr();
}

TEST(Progress, OnATerminalOneLineIsRedrawn) {
  const std::string text = shown(true);
  EXPECT_NE(
      text.find("\r\033[Kepoch 1/10  step 6/100  loss 1.500  acc 50.0 %  128 img/s  eta 47s  [\u2588\u2585\u2581 ]"),
      std::string::npos)
      << text;
  EXPECT_EQ(text.find("balance"), std::string::npos) << "no plain lines beside it: " << text;
}

TEST(Progress, ElsewhereThereArePlainLines) {
  const std::string text = shown(false);
  EXPECT_TRUE(
      text.starts_with("going on at step 5 of 100\nepoch 0.60/10  step 6  loss 1.500  task 1.400  balance 0.100  acc "
                       "50.0 %  lr 1.0e-03  k 2.00  max/ideal 2.50  dead 1/4"))
      << text;
  EXPECT_NE(text.find("epoch 1/10  step 6  valid 100.00 %"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("step 6  layer 0: removed expert 3 (0 assignments in 5 steps); active 4 -> 3\n")) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(Progress, DurationsAreForPeople) {
  EXPECT_EQ(duration_text(42.4), "42s");
  EXPECT_EQ(duration_text(125), "2m 05s");
  EXPECT_EQ(duration_text(3720), "1h 02m");
  EXPECT_EQ(duration_text(-1), "0s");
}

}  // namespace
}  // namespace heterodyne::cli::progress_test
