#include "heterodyne/report/page_data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/io/json.h"
#include "heterodyne/report/page_fixtures.h"

namespace heterodyne::page_data_test {
namespace {

/// What the page's script does: the numbers of a packed list.
std::vector<std::optional<double>> unpacked(const Table& packed) {
  const std::string& text = io::text_at(packed, "text", "packed");
  const auto digits = static_cast<size_t>(io::integer_at(packed, "digits", "packed"));
  std::vector<std::optional<double>> numbers;
  for (size_t at = 0; at < text.size(); at += digits) {
    int64_t code = 0;
    for (size_t i = 0; i < digits; ++i) {
      int64_t place = 0;
      for (char c = '!'; c < text[at + i]; ++c) place += std::string("\"&'<>\\").find(c) == std::string::npos ? 1 : 0;
      code = code * 88 + place;
    }
    const bool is_none = code == static_cast<int64_t>(std::pow(88, digits)) - 1;
    const double low = io::real_at(packed, "low", "packed");
    const double step = io::real_at(packed, "step", "packed");
    numbers.push_back(is_none ? std::nullopt : std::optional<double>(low + static_cast<double>(code) * step));
  }
  return numbers;
}

Report report_of(Table chart) {
  Report report;
  report.panels = {{"load", {"Load", {{"Shares", {}, {{{}, "", "", "", std::move(chart), {}, ""}}}}, ""}}};
  return report;
}

Table first_chart(const Report& report) {
  const Table data = io::parse_json_table(page_data(report), "page data");
  const Table& figure = *io::array_at(data, "figures", "page data")[0].if_table();
  return io::table_at(*io::array_at(figure, "views", "page data")[0].if_table(), "chart", "page data");
}

TEST(PageData, TheLowestAndTheHighestCodeAreTheEndsOfTheRange) {
  // 88 * 88 - 2 = 7,742 steps; "!" is the lowest character, "~" the highest, "}" the one before it.
  const Table packed = packed_values({2.0, std::nullopt, 9744.0 - 2000.0});
  EXPECT_EQ(io::text_at(packed, "text", "packed"), "!!~~~}");
  EXPECT_DOUBLE_EQ(io::real_at(packed, "step", "packed"), 1.0);
}

TEST(PageData, PackedValuesAreWithinHalfAStep) {
  std::vector<std::optional<double>> values;
  for (int i = 0; i < 500; ++i) values.emplace_back(fixtures::noise(i) - 0.5);
  const auto read = unpacked(packed_values(values));
  ASSERT_EQ(read.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(*read[i], *values[i], 0.5 / 7742) << i;
}

TEST(PageData, EqualAndMissingValuesCanBePacked) {
  EXPECT_EQ(unpacked(packed_values({3.5, 3.5})), (std::vector<std::optional<double>>{3.5, 3.5}));
  EXPECT_EQ(unpacked(packed_values({std::nullopt})), (std::vector<std::optional<double>>{std::nullopt}));
  EXPECT_TRUE(unpacked(packed_values({})).empty());
}

TEST(PageData, StepsAreExactOrNotPacked) {
  EXPECT_EQ(unpacked(*packed_steps({10, 20, 7000})), (std::vector<std::optional<double>>{10, 20, 7000}));
  EXPECT_EQ(unpacked(*packed_steps({-5, 600'000})), (std::vector<std::optional<double>>{-5, 600'000}));
  EXPECT_FALSE(packed_steps({0.5, 1}));
  EXPECT_FALSE(packed_steps({0, 681'471}));
  EXPECT_FALSE(packed_steps({}));
}

TEST(PageData, LongLinesArePackedAndShareTheirSteps) {
  const Table chart = first_chart({"", {}, {}, {{"load", {"", {fixtures::load_figure(1, 2, 101)}, ""}}}});
  const Table& line = *io::array_at(chart, "series", "chart")[0].if_table();
  EXPECT_EQ(line.keys(), (std::vector<std::string>{"name", "packed_y"}));
  EXPECT_EQ(unpacked(io::table_at(chart, "packed_x", "chart"))[100], 1000.0);
}

TEST(PageData, LinesWithDifferentStepsKeepTheirOwn) {
  Table chart = fixtures::load_view(0, 2, 150).chart;
  chart.find("series")->if_array()->at(1).if_table()->find("points")->if_array()->at(149) = Array{9999, 0.5};
  const Table packed = first_chart(report_of(chart));
  EXPECT_FALSE(packed.contains("packed_x"));
  const Table& line = *io::array_at(packed, "series", "chart")[1].if_table();
  EXPECT_EQ(unpacked(io::table_at(line, "packed_x", "line"))[149], 9999.0);
}

TEST(PageData, ShortLinesStayAsTheyAre) {
  const Table chart = fixtures::load_view(0, 1, 100).chart;
  EXPECT_TRUE(io::array_at(first_chart(report_of(chart)), "series", "chart")[0].if_table()->contains("points"));
}

TEST(PageData, NumbersAreRoundedAndTextMadeVisible) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Table chart{{"kind", "bars"}, {"names", Array{"a\x01"}}, {"values", Array{1.0 / 3, 2.0, 1e-9 / 3, nan}}};
  const Table expected{
      {"kind", "bars"}, {"names", Array{"a\u2401"}}, {"values", Array{0.333333, 2, 3.33333e-10, Value()}}};
  EXPECT_EQ(first_chart(report_of(chart)), expected);
}

TEST(PageData, ChartsOfWrongShapeAreKept) {
  const Table strange{{"kind", "lines"}, {"series", Array{1, Table{{"points", Array(200, Value("x"))}}}}};
  EXPECT_EQ(first_chart(report_of(strange)), strange);
}

}  // namespace
}  // namespace heterodyne::page_data_test
