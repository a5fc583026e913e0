#include "heterodyne/report/chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace heterodyne::chart_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Points ramp(int num_points) {
  Points points;
  for (int i = 0; i < num_points; ++i) points.emplace_back(i, i % 7);
  return points;
}

TEST(Thinned, AShortLineStaysAsItIs) { EXPECT_EQ(thinned(ramp(20), 20), ramp(20)); }

// Ten points, six of them allowed: two bins of four inner points each.
TEST(Thinned, OfEachBinTheLowestAndTheHighestStayInTheirOrder) {
  const Points points{{0, 5}, {1, 3}, {2, 9}, {3, 1}, {4, 4}, {5, 2}, {6, 2}, {7, 8}, {8, 6}, {9, 5}};
  EXPECT_EQ(thinned(points, 6), (Points{{0, 5}, {2, 9}, {3, 1}, {5, 2}, {7, 8}, {9, 5}}));
}

TEST(Thinned, NeverMoreThanAskedForAndNotAPointMoved) {
  const Points all = ramp(10'000);
  for (const size_t most : {4U, 5U, 100U, 501U}) {
    const Points some = thinned(all, most);
    EXPECT_LE(some.size(), most);
    EXPECT_GE(some.size(), most / 2);
    EXPECT_TRUE(std::includes(all.begin(), all.end(), some.begin(), some.end()));
    EXPECT_EQ(some.front(), all.front());
    EXPECT_EQ(some.back(), all.back());
  }
}

TEST(Thinned, ASpikeIsKept) {
  Points points = ramp(5000);
  points[3210].second = 1000;
  const Points some = thinned(points, 50);
  EXPECT_NE(std::find(some.begin(), some.end(), points[3210]), some.end());
}

TEST(Thinned, WhatIsNotFiniteIsLeftOut) {
  EXPECT_EQ(thinned({{0, 1}, {1, kNan}, {2, INFINITY}, {3, 4}}, 10), (Points{{0, 1}, {3, 4}}));
  EXPECT_TRUE(thinned({}, 10).empty());
}

TEST(Rounded, KeepsSignificantDigits) {
  EXPECT_EQ(rounded(0.0123456), Value(0.01235));
  EXPECT_EQ(rounded(-123.456), Value(-123.5));
  EXPECT_EQ(rounded(123456.7), Value(123457)) << "no digit before the point is lost";
  EXPECT_EQ(rounded(2.0), Value(2));
  EXPECT_EQ(rounded(0), Value(0));
  EXPECT_EQ(rounded(5e-324), Value(0));
  EXPECT_EQ(rounded(1e300), Value(1e300));
  EXPECT_TRUE(rounded(kNan).is_null());
  EXPECT_TRUE(rounded(INFINITY).is_null());
}

TEST(Chart, LinesKeepTheirStepsAndLoseWhatIsNotFinite) {
  const Table chart = LineChart{.x = "step",
                                .y = "loss",
                                .series = {{"train", {{1234567, 0.123456}, {1234568, kNan}}, true}},
                                .levels = {{0.25, "1/E"}},
                                .marks = {{600, "removed 5"}}}
                          .table();
  EXPECT_EQ(
      chart,
      (Table{{"kind", "lines"},
             {"x", "step"},
             {"y", "loss"},
             {"series", Array{Table{{"name", "train"}, {"points", Array{Array{1234567, 0.1235}}}, {"dashed", true}}}},
             {"levels", Array{Table{{"y", 0.25}, {"text", "1/E"}}}},
             {"marks", Array{Table{{"x", 600}, {"text", "removed 5"}}}}}));
}

TEST(Chart, BlankCellsAreNull) {
  Heatmap map{.x = "expert", .y = "layer", .columns = {"a", "b"}, .rows = {"r"}, .values = {{0.5, kNan}}};
  map.scale = "log";
  map.crossed = {{0, 1}};
  const Table chart = map.table();
  EXPECT_EQ(*chart.find("values"), Value(Array{Array{0.5, Value()}}));
  EXPECT_EQ(*chart.find("crossed"), Value(Array{Array{0, 1}}));
  EXPECT_EQ(*chart.find("middle"), Value(1));
  EXPECT_FALSE(chart.contains("grey"));
}

TEST(Chart, BarsSpansAndRangesSayWhatTheirTablesSay) {
  const Table bars = BarChart{.x = "k", .y = "share", .names = {"0", "1"}, .series = {{"layers.0", {1, kNan}}}}.table();
  EXPECT_EQ(*bars.find("series"), Value(Array{Table{{"name", "layers.0"}, {"values", Array{1, Value()}}}}));
  EXPECT_FALSE(bars.contains("levels"));
  const Table spans =
      SpanChart{.x = "step", .rows = {"0", "1"}, .spans = {{1, 5, 9, "mlp", "why"}}, .links = {{0, 1, 5}}}.table();
  EXPECT_EQ(*spans.find("spans"),
            Value(Array{Table{{"row", 1}, {"from", 5}, {"to", 9}, {"group", "mlp"}, {"text", "why"}}}));
  EXPECT_EQ(*spans.find("links"), Value(Array{Table{{"from", 0}, {"to", 1}, {"x", 5}}}));
  const Table ranges = RangeChart{.x = "nats", .rows = {{"layers.0", 0.5, 0.1, 0.2}}}.table();
  EXPECT_EQ(*ranges.find("rows"),
            Value(Array{Table{{"name", "layers.0"}, {"value", 0.5}, {"low", 0.1}, {"high", 0.2}}}));
}

}  // namespace
}  // namespace heterodyne::chart_test
