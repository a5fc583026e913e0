#include "cli/view/lifecycle.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::lifecycle_test {
namespace {

Life life_of(int64_t id, int64_t born, int64_t end, bool is_alive, const std::string& reason) {
  Life life;
  life.id = id;
  life.born = born;
  life.end = end;
  life.is_alive = is_alive;
  if (!reason.empty()) life.reasons = {reason};
  return life;
}

TEST(Lifecycle, ShowsWhenExpertsCameAndWent) {
  LayerLives layer{"layers.8", {}, 1000};
  for (int id = 0; id < 5; ++id) layer.experts.push_back(life_of(id, 0, 1000, true, ""));
  layer.experts.push_back(life_of(5, 0, 500, false, "500 removed: 0 assignments"));
  layer.experts.push_back(life_of(6, 500, 1000, true, "500 added"));
  // Eleven columns: step 500 is in the middle one.
  EXPECT_EQ(lifecycle_lines(layer, 45),
            (std::vector<std::string>{"layers.8   steps 0 .. 1,000   active 6 -> 6", "  0-4  |=========|",
                                      "  5    |====x 500 removed: 0 assignments", "  6         +====| 500 added"}));
}

TEST(Lifecycle, OfAFixedNumberIsOneLine) {
  const LayerLives layer{"layers.0", {life_of(0, 0, 10, true, "")}, 10};
  EXPECT_EQ(lifecycle_lines(layer, 80), std::vector<std::string>{"layers.0   steps 0 .. 10   active 1 throughout"});
}

TEST(Lifecycle, ARunWithoutStepsHasNoWidth) {
  const LayerLives layer{"layers.0", {life_of(0, 0, 0, false, "0 removed")}, 0};
  EXPECT_EQ(lifecycle_lines(layer, 80).back(), "  0    | 0 removed");
}

TEST(Lifecycle, NeighboursAreJoined) {
  EXPECT_EQ(runs_of({0, 1, 2, 4, 7, 8}), "0-2, 4, 7-8");
  EXPECT_EQ(runs_of({}), "");
}

}  // namespace
}  // namespace heterodyne::cli::lifecycle_test
