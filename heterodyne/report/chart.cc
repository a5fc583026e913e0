#include "heterodyne/report/chart.h"

#include <algorithm>
#include <cmath>

namespace heterodyne {
namespace {

Array texts(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

Array numbers(const std::vector<double>& values, int digits) {
  Array all;
  for (const double value : values) all.push_back(rounded(value, digits));
  return all;
}

// Steps and indices stand as they are: a rounded step would be another step.
Value place(double number) {
  const bool is_whole = std::abs(number) < 1e15 && number == std::floor(number);
  return is_whole ? Value(static_cast<int64_t>(number)) : rounded(number, 6);
}

Array cells(const std::vector<Cell>& all) {
  Array items;
  for (const Cell& cell : all) {
    items.emplace_back(Array{static_cast<int64_t>(cell.row), static_cast<int64_t>(cell.column)});
  }
  return items;
}

void set_levels(Table& chart, const std::vector<Level>& levels) {
  if (levels.empty()) return;
  Array items;
  for (const Level& level : levels) items.emplace_back(Table{{"y", rounded(level.y)}, {"text", level.text}});
  chart.set("levels", std::move(items));
}

}  // namespace

Points thinned(const Points& points, size_t most) {
  Points finite;
  std::copy_if(points.begin(), points.end(), std::back_inserter(finite),
               [](const auto& point) { return std::isfinite(point.first) && std::isfinite(point.second); });
  most = std::max<size_t>(most, 4);
  if (finite.size() <= most) return finite;
  const size_t inner = finite.size() - 2, num_bins = (most - 2) / 2;
  const auto is_lower = [](const auto& a, const auto& b) { return a.second < b.second; };
  Points kept{finite.front()};
  for (size_t bin = 0; bin < num_bins; ++bin) {
    const auto begin = finite.begin() + static_cast<int64_t>(1 + bin * inner / num_bins);
    const auto end = finite.begin() + static_cast<int64_t>(1 + (bin + 1) * inner / num_bins);
    auto [first, second] = std::minmax_element(begin, end, is_lower);
    if (second < first) std::swap(first, second);
    kept.push_back(*first);
    if (first != second) kept.push_back(*second);
  }
  kept.push_back(finite.back());
  return kept;
}

Value rounded(double number, int digits) {
  if (!std::isfinite(number)) return {};
  if (number == 0) return int64_t{0};
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(number))));
  const int places = digits - 1 - exponent;
  // Beyond what a double can scale by, the number is as good as zero or far too large for a picture.
  if (places > 300) return int64_t{0};
  if (places <= 0) return std::abs(number) < 1e15 ? Value(static_cast<int64_t>(std::llround(number))) : Value(number);
  const double factor = std::pow(10, places);
  const double value = std::round(number * factor) / factor;
  if (std::abs(value) < 1e15 && value == std::floor(value)) return static_cast<int64_t>(value);
  return value;
}

Table LineChart::table() const {
  Array items;
  for (const LineSeries& one : series) {
    Array points;
    for (const auto& [at, value] : one.points) {
      if (std::isfinite(at) && std::isfinite(value)) points.emplace_back(Array{place(at), rounded(value)});
    }
    Table item{{"name", one.name}, {"points", std::move(points)}};
    if (one.is_dashed) item.set("dashed", true);
    items.emplace_back(std::move(item));
  }
  Table chart{{"kind", "lines"}, {"x", x}, {"y", y}, {"series", std::move(items)}};
  set_levels(chart, levels);
  if (marks.empty()) return chart;
  Array upright;
  for (const Mark& mark : marks) upright.emplace_back(Table{{"x", place(mark.x)}, {"text", mark.text}});
  chart.set("marks", std::move(upright));
  return chart;
}

Table BarChart::table() const {
  Array items;
  for (const BarSeries& one : series) {
    items.emplace_back(Table{{"name", one.name}, {"values", numbers(one.values, 4)}});
  }
  Table chart{{"kind", "bars"}, {"x", x}, {"y", y}, {"names", texts(names)}, {"series", std::move(items)}};
  set_levels(chart, levels);
  return chart;
}

Table Heatmap::table() const {
  Array lines;
  for (const auto& row : values) lines.emplace_back(numbers(row, 3));
  Table chart{{"kind", "heatmap"},
              {"x", x},
              {"y", y},
              {"columns", texts(columns)},
              {"rows", texts(rows)},
              {"values", std::move(lines)},
              {"scale", scale},
              {"low", rounded(low)},
              {"high", rounded(high)}};
  if (scale != "linear") chart.set("middle", rounded(middle));
  if (!crossed.empty()) chart.set("crossed", cells(crossed));
  if (!grey.empty()) chart.set("grey", cells(grey));
  return chart;
}

Table SpanChart::table() const {
  Array items;
  for (const Span& span : spans) {
    items.emplace_back(Table{{"row", static_cast<int64_t>(span.row)},
                             {"from", place(span.from)},
                             {"to", place(span.to)},
                             {"group", span.group},
                             {"text", span.text}});
  }
  Table chart{{"kind", "spans"}, {"x", x}, {"rows", texts(rows)}, {"spans", std::move(items)}};
  if (links.empty()) return chart;
  Array arrows;
  for (const Link& link : links) {
    arrows.emplace_back(
        Table{{"from", static_cast<int64_t>(link.from)}, {"to", static_cast<int64_t>(link.to)}, {"x", place(link.x)}});
  }
  chart.set("links", std::move(arrows));
  return chart;
}

Table RangeChart::table() const {
  Array items;
  for (const Range& range : rows) {
    items.emplace_back(Table{{"name", range.name},
                             {"value", rounded(range.value)},
                             {"low", rounded(range.low)},
                             {"high", rounded(range.high)}});
  }
  return {{"kind", "ranges"}, {"x", x}, {"rows", std::move(items)}};
}

}  // namespace heterodyne
