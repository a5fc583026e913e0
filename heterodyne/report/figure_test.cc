#include "heterodyne/report/figure.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::figure_test {
namespace {

std::string called(const std::vector<size_t>& options) {
  std::string text;
  for (const size_t option : options) text += std::to_string(option);
  return text;
}

TEST(Figure, HasAViewForEachCombinationOfItsSwitches) {
  const Figure figure = figure_of("f", {{"layer", {"a", "b"}, 1}, {"only", {"x"}, 0}, {"share", {"p", "q", "r"}, 0}},
                                  [](const auto& options) {
                                    View view;
                                    view.reading = called(options);
                                    return view;
                                  });
  ASSERT_EQ(figure.choices.size(), 2U) << "a switch with one option is none";
  EXPECT_EQ(figure.choices[0].chosen, 1U);
  ASSERT_EQ(figure.views.size(), 6U);
  EXPECT_EQ(figure.views[1].reading, "001");
  EXPECT_EQ(figure.views[1].options, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(figure.views[5].reading, "102");
  EXPECT_EQ(figure.views[5].options, (std::vector<size_t>{1, 2}));
}

TEST(Figure, OnlyItsOpeningViewIsDrawn) {
  Figure figure = figure_of("f", {{"layer", {"a", "b"}, 1}}, [](const auto&) {
    View view;
    view.chart = Table{{"kind", "bars"}};
    return view;
  });
  draw_opening_view(figure);
  EXPECT_EQ(figure.views[0].svg, "");
  EXPECT_TRUE(figure.views[1].svg.starts_with("<svg "));
}

TEST(Figure, ALargeHeatmapListsItsFarthestCells) {
  Heatmap map{.x = "expert", .y = "class", .columns = {"a", "b"}, .rows = {"r"}, .values = {{0.5, fixtures::kNan}}};
  const Rows whole = heatmap_table(map, "class", 0);
  EXPECT_EQ(whole.columns, (std::vector<std::string>{"class", "a", "b"}));
  EXPECT_EQ(whole.rows, (std::vector<std::vector<Value>>{{"r", 0.5, Value()}}));
  map.columns.assign(401, "a");
  map.values[0].assign(401, 0.25);
  map.values[0][400] = -1;
  map.columns[400] = "last";
  const Rows some = heatmap_table(map, "class", 0);
  EXPECT_EQ(some.columns, (std::vector<std::string>{"class", "expert", "value"}));
  ASSERT_EQ(some.rows.size(), 40U);
  EXPECT_EQ(some.rows[0], (std::vector<Value>{"r", "last", -1}));
}

TEST(Figure, WithoutSwitchesHasOneView) {
  const Figure figure = figure_of("f", {}, [](const auto&) { return View{}; });
  EXPECT_EQ(figure.views.size(), 1U);
}

TEST(Figure, WithoutLayersHasNone) {
  const Figure figure = figure_of("f", {{"layer", {}, 0}}, [](const auto&) { return View{}; });
  EXPECT_TRUE(figure.views.empty());
}

TEST(Figure, SaysHowToRecordWhatIsMissing) {
  ReportInput input;
  input.run.path = "my runs/a";
  EXPECT_EQ(not_recorded("Similarity", "The similarity of the experts", input, "--similarity").absent,
            "The similarity of the experts was not recorded. This records it: heterodyne route 'my runs/a' "
            "--similarity");
}

TEST(Figure, ManyLinesShareThePointsOfAPage) {
  EXPECT_EQ(points_per_line(4), 500U);
  EXPECT_EQ(points_per_line(100), 200U);
  EXPECT_EQ(points_per_line(0), 500U);
  EXPECT_EQ(points_per_line(1'000'000), 120U);
}

}  // namespace
}  // namespace heterodyne::figure_test
