#include "heterodyne/train/window.h"

#include <gtest/gtest.h>

namespace heterodyne::window_test {
namespace {

StepResult step_of(double loss, double task, std::vector<int64_t> count_E) {
  return {loss, {{"task", task}, {"layers.0.switch_loss", loss - task}}, 10, 4,
          2.0,  RoutingStats({{"layers.0", std::move(count_E), 10, 0}})};
}

TEST(Window, AveragesStepsAndAddsCounts) {
  Window window;
  add(window, step_of(1.5, 1.0, {10, 10, 0}));
  add(window, step_of(2.5, 2.0, {20, 0, 0}));
  const Table table = averages(window);
  EXPECT_EQ(*table.find("loss"), Value(2.0));
  EXPECT_EQ(*table.find("task"), Value(1.5));
  EXPECT_EQ(*table.find("layers.0.switch_loss"), Value(0.5));
  EXPECT_EQ(*table.find("accuracy"), Value(0.4));
  EXPECT_EQ(*table.find("grad_norm"), Value(2.0));
  EXPECT_EQ(*table.find("layers.0.k"), Value(2.0));
  EXPECT_EQ(*table.find("layers.0.dead"), Value(1));
  EXPECT_NEAR(*table.find("layers.0.max_ideal")->if_real(), 30.0 / (40.0 / 3), 1e-12);
  EXPECT_EQ(*table.find("layers.0.dropped"), Value(0.0));
  EXPECT_EQ(table.keys()[0], "loss");
}

// Of 40 assignments that were wanted 10 found no room.
TEST(Window, TellsTheShareThatWasDropped) {
  Window window;
  for (const int64_t dropped : {4, 6}) {
    auto step = step_of(1, 1, {10, 5, 0});
    step.routing = RoutingStats({{"layers.0", {10, 5, 0}, 20, 0, dropped}});
    add(window, step);
  }
  EXPECT_EQ(*averages(window).find("layers.0.dropped"), Value(0.25));
}

TEST(Window, TellsTheShareOfTokensWithoutExpert) {
  Window window;
  for (const int64_t unrouted : {2, 6}) {
    auto step = step_of(1, 1, {10, 5, 0});
    step.routing = RoutingStats({{"layers.0", {10, 5, 0}, 20, unrouted, 0}});
    add(window, step);
  }
  EXPECT_EQ(*averages(window).find("layers.0.unrouted"), Value(0.2));
}

// Both experts get the same: the entropy of the loads is 1.
TEST(Window, ALossThatIsCalledAsAStatisticIsKeptBesideIt) {
  Window window;
  auto step = step_of(1.5, 1.0, {10, 10});
  step.loss_parts.emplace_back("layers.0.entropy", 0.25);
  add(window, step);
  const Table table = averages(window);
  EXPECT_EQ(*table.find("layers.0.entropy"), Value(1.0));
  EXPECT_EQ(*table.find("layers.0.entropy_loss"), Value(0.25));
}

}  // namespace
}  // namespace heterodyne::window_test
