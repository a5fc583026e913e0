#include "cli/view/class_view.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::class_view_test {
namespace {

// Ninety examples of each class with one assignment each; class "b" goes to expert 1.
LayerProfile layer_of(std::vector<double> shuffled_information) {
  LayerProfile layer;
  layer.counts = {"layers.0", {90, 90}, 180, 0, 0};
  layer.groups.push_back({"class", {"a", "b"}, {80, 10, 10, 80}, {90, 90}});
  layer.shuffled_information = std::move(shuffled_information);
  return layer;
}

TEST(ClassView, NamesClassesOnlyBeyondChance) {
  const auto layer = layer_of({0, .001, .002});
  const ClassView view(layer);
  EXPECT_TRUE(view.is_beyond_chance);
  EXPECT_EQ(view.names_above(0), (std::vector<std::string>{"a"}));
  EXPECT_EQ(view.names_above(1), (std::vector<std::string>{"b"}));
  const auto chance = layer_of({0, .5, .6});
  EXPECT_FALSE(ClassView(chance).is_beyond_chance);
  EXPECT_TRUE(ClassView(chance).names_above(0).empty());
  const auto unknown = layer_of({});
  EXPECT_FALSE(ClassView(unknown).chance);
  EXPECT_TRUE(ClassView(unknown).names_above(0).empty());
}

TEST(ClassView, OfALayerWithoutClassesOrAssignments) {
  LayerProfile layer;
  layer.counts.count_E = {0, 0};
  EXPECT_EQ(ClassView(layer).classes, nullptr);
  EXPECT_TRUE(ClassView(layer).names_above(1).empty());
  EXPECT_EQ(load_share(layer, 1), 0);
}

}  // namespace
}  // namespace heterodyne::cli::class_view_test
