// Chart: what a figure draws, as a table of plain values. The page's script turns it into an interactive chart, svg.h
// into a picture; nothing in it depends on either.
//
//   {"kind": "lines", "x": NAME, "y": NAME, "series": [{"name", "points": [[x, y], ...]}, ...]}
//       of a series: "dashed": true
//       of the chart: "levels": [{"y", "text"}] drawn across, dashed; "marks": [{"x", "text"}] upright
//   {"kind": "bars", "x": NAME, "y": NAME, "names": [...], "series": [{"name", "values": [...]}, ...]}
//       "levels" as above
//   {"kind": "heatmap", "x": NAME, "y": NAME, "columns": [...], "rows": [...], "values": [[...], ...]}
//       one list for each row, null for blank; "scale": "linear", "log" or "diverging"; "low" and "high" of the
//       colours, "middle" of a diverging or logarithmic scale; "crossed": [[row, column], ...] hatched with a cross;
//       "grey": [[row, column], ...] too few to say
//   {"kind": "spans", "x": NAME, "rows": [...], "spans": [{"row", "from", "to", "group", "text"}, ...]}
//       "links": [{"from", "to", "x"}, ...] arrows between rows
//   {"kind": "ranges", "x": NAME, "rows": [{"name", "value", "low", "high"}, ...]}: a value against the band of chance
//
// Names are text as given: whoever draws escapes them. The structs below write these tables, numbers rounded to four
// significant digits (of heatmaps three), more than a picture shows; what is not finite is null or left out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

using Points = std::vector<std::pair<double, double>>;

/// Thins a line to at most `most` points, at least 4: of each bin of neighbours the lowest and the highest stay, in
/// their order, and the first and last point. Not a point is moved. Points that are not finite are left out.
Points thinned(const Points& points, size_t most);

/// Rounded to that many significant digits; null when not finite.
Value rounded(double number, int digits = 4);

struct LineSeries {
  std::string name = {};
  Points points = {};
  bool is_dashed = false;
};

/// A dashed line across at `y`, or upright at `x`.
struct Level {
  double y = 0;
  std::string text = {};
};
struct Mark {
  double x = 0;
  std::string text = {};
};

struct LineChart {
  std::string x = {}, y = {};
  std::vector<LineSeries> series = {};
  std::vector<Level> levels = {};
  std::vector<Mark> marks = {};

  Table table() const;
};

struct BarSeries {
  std::string name = {};
  std::vector<double> values = {};  // one for each name of the chart
};

struct BarChart {
  std::string x = {}, y = {};
  std::vector<std::string> names = {};
  std::vector<BarSeries> series = {};
  std::vector<Level> levels = {};

  Table table() const;
};

struct Cell {
  size_t row = 0;
  size_t column = 0;
};

struct Heatmap {
  std::string x = {}, y = {};
  std::vector<std::string> columns = {}, rows = {};
  std::vector<std::vector<double>> values = {};  // one list for each row; NaN for blank
  std::string scale = "linear";
  double low = 0, high = 1, middle = 1;  // `middle` of scales that have one
  std::vector<Cell> crossed = {}, grey = {};

  Table table() const;
};

struct Span {
  size_t row = 0;
  double from = 0, to = 0;
  std::string group = {};  // of one colour
  std::string text = {};
};

struct Link {
  size_t from = 0, to = 0;  // rows
  double x = 0;
};

struct SpanChart {
  std::string x = {};
  std::vector<std::string> rows = {};
  std::vector<Span> spans = {};
  std::vector<Link> links = {};

  Table table() const;
};

struct Range {
  std::string name = {};
  double value = 0, low = 0, high = 0;
};

struct RangeChart {
  std::string x = {};
  std::vector<Range> rows = {};

  Table table() const;
};

}  // namespace heterodyne
