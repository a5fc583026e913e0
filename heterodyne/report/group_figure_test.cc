#include "heterodyne/report/group_figure.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::group_figure_test {
namespace {

TEST(GroupFigure, SaysWhatTheKnownTableSays) {
  RoutingProfile profile = fixtures::profile();
  profile.layers = {fixtures::known_layer()};
  const Figure figure = group_figure(profile, "class", "Classes");
  ASSERT_EQ(figure.choices.size(), 1U) << "one layer needs no switch";
  ASSERT_EQ(figure.views.size(), 2U);
  const View& view = figure.views[0];
  EXPECT_NE(view.reading.find("NMI 0.2305, I 0.2532 nats"), std::string::npos) << view.reading;
  // 30 of class a's 40 assignments, which are fewer than 50 tokens.
  EXPECT_EQ(*view.chart.find("values"),
            Value(Array{Array{0.75, 0.125, 0.125}, Array{0.125, 0.625, 0.25}, Array{0.125, 0.25, 0.625}}));
  EXPECT_EQ(view.chart.find("grey")->if_array()->size(), 9U);
  EXPECT_EQ(view.table.rows[0], (std::vector<Value>{"a", 0.75, 0.125, 0.125}));
}

TEST(GroupFigure, SharesOfEnoughTokensAreNotGrey) {
  const Figure figure = group_figure(fixtures::profile(), "patch_row", "Patch rows");
  ASSERT_EQ(figure.views.size(), 2U) << "layers.0 has no such groups";
  EXPECT_FALSE(figure.views[0].chart.contains("grey")) << "60 tokens in each row";
  EXPECT_TRUE(figure.views[1].chart.contains("grey")) << "40 assignments of each expert";
  EXPECT_NE(figure.views[0].reading.find("33.3 %"), std::string::npos) << figure.views[0].reading;
}

TEST(GroupFigure, GroupsThatNoLayerHasGiveNoViews) {
  EXPECT_TRUE(group_figure(fixtures::profile(), "token_type", "Token types").views.empty());
}

TEST(GroupFigure, CountsThatDoNotFitTheExpertsAreLeftOut) {
  LayerProfile layer = fixtures::known_layer();
  layer.groups[0].count_EG.pop_back();
  EXPECT_FALSE(contingency_of(layer, "class").has_value());
}

TEST(GroupFigure, OfManyGroupsThoseWithTheMostTokensAreDrawn) {
  LayerProfile layer = fixtures::known_layer();
  GroupCounts& groups = layer.groups[0];
  groups = {"class", {}, std::vector<int64_t>(300, 1), {}};
  for (int y = 0; y < 100; ++y) {
    groups.labels.push_back(std::to_string(y));
    groups.token_G.push_back(y);
  }
  RoutingProfile profile;
  profile.layers = {layer};
  const Figure figure = group_figure(profile, "class", "Classes");
  EXPECT_EQ(figure.views[0].table.rows.size(), 64U);
  EXPECT_EQ(figure.views[0].table.rows[0][0], Value("36"));
  EXPECT_NE(figure.views[0].count.find("the 64 of 100 with the most tokens"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::group_figure_test
