// Chart: what a figure draws, as a table of plain values. The page's script turns it into an interactive chart, svg.h
// into a picture; nothing in it depends on either.
//
//   {"kind": "lines", "x": NAME, "y": NAME, "series": [{"name", "points": [[x, y], ...]}, ...]}
//       of a series: "dashed": true; "axis": "right", with "right": NAME of that axis beside "y"
//       of the chart: "log_y": true; "levels": [{"y", "text"}] drawn across, dashed; "marks": [{"x", "text"}] upright
//   {"kind": "bars", "x": NAME, "y": NAME, "names": [...], "series": [{"name", "values": [...]}, ...]}
//       "stacked": true; "horizontal": true; "levels" as above
//   {"kind": "heatmap", "x": NAME, "y": NAME, "columns": [...], "rows": [...], "values": [[...], ...]}
//       one list for each row, null for blank; "scale": "linear", "log" or "diverging"; "low" and "high" of the
//       colours, "middle" of a diverging or logarithmic scale; "crossed": [[row, column], ...] hatched with a cross;
//       "grey": [[row, column], ...] too few to say
//   {"kind": "spans", "x": NAME, "rows": [...], "spans": [{"row", "from", "to", "group", "text"}, ...]}
//       "links": [{"from", "to", "x"}, ...] arrows between rows
//   {"kind": "ranges", "x": NAME, "rows": [{"name", "value", "low", "high"}, ...]}: a value against the band of chance
//
// Names are text as given: whoever draws escapes them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

/// Thins a line to at most `most` points: of each bin of neighbours the lowest and the highest stay, in their order,
/// and the first and last point. Not a point is moved.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points, size_t most);

}  // namespace heterodyne
