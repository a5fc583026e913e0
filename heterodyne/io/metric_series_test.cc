#include "heterodyne/io/metric_series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::io::metric_series_test {
namespace {

using Points = std::vector<MetricPoint>;

TEST(MetricSeries, ShortOnesKeepEveryValue) {
  MetricSeries series;
  EXPECT_FALSE(series.last() || series.lowest() || series.highest());
  for (const auto& [step, value] : Points{{10, 1}, {20, 1}, {30, 3}, {40, 5}, {50, 4}}) series.add(step, value);
  EXPECT_EQ(series.points(), (Points{{10, 1}, {20, 1}, {30, 3}, {40, 5}, {50, 4}}));
  EXPECT_EQ(series.last(), (MetricPoint{50, 4}));
  EXPECT_EQ(series.lowest(), (MetricPoint{10, 1})) << "the first of equals";
  EXPECT_EQ(series.highest(), (MetricPoint{40, 5}));
}

TEST(MetricSeries, AThousandValuesStayAsTheyAre) {
  MetricSeries series;
  Points all;
  for (int64_t step = 1; step <= 1000; ++step) {
    all.push_back({step, static_cast<double>(step * 7919 % 10)});
    series.add(step, all.back().value);
  }
  EXPECT_EQ(series.points(), all);
}

TEST(MetricSeries, LongOnesKeepTheirSpikesInOrder) {
  MetricSeries series;
  const std::vector<int64_t> up{17, 40'003, 99'998}, down{18, 70'001};
  const auto is_in = [](const std::vector<int64_t>& steps, int64_t step) {
    return std::find(steps.begin(), steps.end(), step) != steps.end();
  };
  for (int64_t step = 1; step <= 100'000; ++step)
    series.add(step, is_in(up, step) ? 100 : is_in(down, step) ? -100 : std::sin(static_cast<double>(step)));
  const Points points = series.points();
  EXPECT_LE(points.size(), 1000U);
  EXPECT_GE(points.size(), 500U) << "no thinner than needed";
  std::vector<int64_t> found_up, found_down;
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_TRUE(i == 0 || points[i - 1].step < points[i].step) << i;
    if (points[i].value == 100) found_up.push_back(points[i].step);
    if (points[i].value == -100) found_down.push_back(points[i].step);
  }
  EXPECT_EQ(found_up, up);
  EXPECT_EQ(found_down, down);
}

TEST(MetricSeries, EveryBinOfALongOneCountsEquallyManyValues) {
  MetricSeries series;  // a rising line: the kept points are the first and the last value of each bin
  for (int64_t step = 0; step < 4000; ++step) series.add(step, static_cast<double>(step));
  const Points points = series.points();
  ASSERT_EQ(points.size(), 1000U);
  for (size_t i = 0; i < points.size(); i += 2) {
    EXPECT_EQ(points[i].step, static_cast<int64_t>(4 * i));
    EXPECT_EQ(points[i + 1].step, static_cast<int64_t>(4 * i + 7));
  }
}

TEST(MetricSeries, WhatIsNotFiniteIsOnlyTheLatestValue) {
  MetricSeries series;
  series.add(1, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(series.lowest() || series.highest());
  EXPECT_TRUE(series.points().empty());
  series.add(2, 0.5);
  series.add(3, std::nan(""));
  EXPECT_TRUE(std::isnan(series.last()->value));
  EXPECT_EQ(series.highest(), (MetricPoint{2, 0.5}));
  EXPECT_EQ(series.points(), (Points{{2, 0.5}}));
}

TEST(PackedPoints, AreSixteenLittleEndianBytesEach) {
  const std::string bytes = pack_points({{258, 1.0}});
  EXPECT_EQ(bytes, std::string("\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f", 16));
  EXPECT_EQ(unpack_points(bytes, "f"), (Points{{258, 1.0}}));
  EXPECT_TRUE(unpack_points("", "f").empty());
}

TEST(PackedPoints, OfAWrongSizeAreRefused) {
  EXPECT_EQ(fixtures::message_of<FormatError>([] { unpack_points("12345678", "f"); }),
            "f: points: expected at most 1000 of 16 bytes, got 8 bytes");
  EXPECT_THROW(unpack_points(std::string(1001 * 16, '\0'), "f"), FormatError);
}

}  // namespace
}  // namespace heterodyne::io::metric_series_test
