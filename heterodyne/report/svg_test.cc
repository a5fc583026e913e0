#include "heterodyne/report/svg.h"

#include <gtest/gtest.h>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/fixtures.h"
#include "heterodyne/report/report.h"

namespace heterodyne::svg_test {
namespace {

size_t num_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Every element that is opened is closed, in order: enough of XML for elements without comments and entities in tags.
bool is_nested(const std::string& text) {
  std::vector<std::string> open;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const size_t end = text.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (tag.starts_with('?') || tag.ends_with('/')) continue;
    if (!tag.starts_with('/')) {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty();
}

TEST(Svg, BarsStandOnZeroAndSayTheirNumbers) {
  const Table chart =
      BarChart{
          .x = "k", .y = "share", .names = {"0", "1"}, .series = {{"tokens", {1, -0.5}}}, .levels = {{0.25, "even"}}}
          .table();
  const std::string svg = svg_of(chart, "Experts per token");
  EXPECT_TRUE(is_nested(svg)) << svg;
  EXPECT_NE(svg.find("<title>0, tokens: 1</title>"), std::string::npos);
  EXPECT_NE(svg.find("<title>1, tokens: -0.5</title>"), std::string::npos);
  EXPECT_NE(svg.find(">even</text>"), std::string::npos);
}

TEST(Svg, OfAHeatmapBlankCellsAreNotDrawnAndDeadOnesAreCrossed) {
  Heatmap map{
      .x = "expert", .y = "layer", .columns = {"a", "b", "c"}, .rows = {"r"}, .values = {{0, fixtures::kNan, 2}}};
  map.scale = "log";
  map.high = 2;
  map.crossed = {{0, 0}};
  const std::string svg = svg_of(map.table(), "Load");
  EXPECT_TRUE(is_nested(svg));
  EXPECT_EQ(num_of(svg, "<title>r, "), 2U);
  EXPECT_EQ(num_of(svg, "<title>dead</title>"), 1U);
  EXPECT_EQ(num_of(svg, "fill=\"#4477aa\""), 1U);
  EXPECT_EQ(num_of(svg, "fill=\"#ee7733\""), 1U);
}

TEST(Svg, EveryChartOfAReportIsDrawn) {
  ReportInput input = fixtures::full_input();
  input.before = input.run;
  size_t num_charts = 0;
  for (const auto& [id, panel] : make_report(input).panels) {
    for (const Figure& figure : panel.figures) {
      for (const View& view : figure.views) {
        if (view.chart.empty()) continue;
        const std::string svg = svg_of(view.chart, figure.title);
        EXPECT_TRUE(svg.starts_with("<svg ") && is_nested(svg)) << id << ": " << figure.title;
        EXPECT_EQ(svg.find("nan"), std::string::npos) << id << ": " << figure.title;
        EXPECT_EQ(svg.find("inf"), std::string::npos) << id << ": " << figure.title;
        EXPECT_EQ(svg, svg_of(view.chart, figure.title));
        ++num_charts;
      }
    }
  }
  EXPECT_GT(num_charts, 20U);
}

TEST(Svg, NamesAreEscaped) {
  const Table chart = BarChart{.x = "<x>", .y = "\"y\"", .names = {"</svg>"}, .series = {{"&", {1}}}}.table();
  const std::string svg = svg_of(chart, "<script>");
  EXPECT_TRUE(is_nested(svg));
  EXPECT_EQ(num_of(svg, "<script"), 0U);
  EXPECT_EQ(num_of(svg, "</svg>"), 1U);
}

TEST(Svg, WhatIsNoChartGivesNothing) {
  EXPECT_EQ(svg_of({}, "t"), "");
  EXPECT_EQ(svg_of({{"kind", "pie"}}, "t"), "");
  for (const char* kind : {"lines", "bars", "heatmap", "spans", "ranges"}) {
    EXPECT_TRUE(is_nested(svg_of({{"kind", kind}}, "t"))) << "an empty chart is drawn empty: " << kind;
  }
}

TEST(Svg, AFileOfItsOwnKnowsDarkAndLight) {
  const std::string file = svg_file(svg_of({{"kind", "lines"}}, "t"));
  EXPECT_TRUE(file.starts_with("<?xml "));
  EXPECT_NE(file.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_TRUE(is_nested(file));
}

}  // namespace
}  // namespace heterodyne::svg_test
