#include "heterodyne/train/state.h"

#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::state_test {
namespace {

TrainState some_state() {
  TrainState state{17, 2, 3, 19, 1, Best{0.1 + 0.2, 12}, {}};
  state.window = {5, 200, 91, 1.0 / 3, {{"loss", 1.1}, {"task", 1e-300}}, {{"layers.0", {4, 0, 6}, 5, 1, 2}}};
  state.train_size = 40;
  return state;
}

TEST(TrainState, ComesBackFromJsonExactly) {
  const auto text = io::write_json(to_table(some_state()));
  const auto state = state_from(io::parse_json_table(text, "state.json"), "state.json");
  EXPECT_EQ(to_table(state), to_table(some_state()));
  EXPECT_EQ(state.best->value, 0.1 + 0.2);
  EXPECT_EQ(state.window.losses.at("task"), 1e-300);
  EXPECT_EQ(state.window.routing[0].count_E, (std::vector<int64_t>{4, 0, 6}));
  EXPECT_EQ(state.window.routing[0].num_dropped, 2);
  EXPECT_EQ(state.train_size, 40);
}

TEST(TrainState, WithoutABestThereIsNone) {
  EXPECT_FALSE(state_from(to_table(TrainState()), "state.json").best.has_value());
  auto state = some_state();
  state.best->value = std::numeric_limits<double>::quiet_NaN();
  const auto text = io::write_json(to_table(state));
  EXPECT_FALSE(state_from(io::parse_json_table(text, "state.json"), "state.json").best.has_value());
}

TEST(TrainState, WhatIsMissingOrWrongIsNamed) {
  Table table = to_table(some_state());
  table.erase("epoch");
  EXPECT_NE(fixtures::message_of<FormatError>([&] { state_from(table, "state.json"); }).find("state.json: epoch"),
            std::string::npos);
  table = to_table(some_state());
  table.set("step", -1);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { state_from(table, "state.json"); }),
            "state.json: expected counts of at least 0, got -1");
  table = to_table(some_state());
  table.find("window")->if_table()->set("routing", Array{1});
  EXPECT_THROW(state_from(table, "state.json"), FormatError);
}

}  // namespace
}  // namespace heterodyne::state_test
