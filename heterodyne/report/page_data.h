// Page data: what the page's script draws, as one JSON document.
//
//   {"figures": [{"id": "load-1", "choices": [{"name", "options", "chosen"}, ...],
//                 "views": [{"options": [0, 1], "chart": CHART}, ...]}, ...]}
//
// CHART is that of chart.h with two differences. Text is visible() (html.h), and real numbers are rounded to six
// significant digits. Long lines, of more than kLongLine points, hold packed lists instead of points:
//   {"name", "packed_x": PACKED, "packed_y": PACKED}    or, of the chart, "packed_x" when all its lines share it
//   PACKED = {"low", "step", "digits", "text"}: every `digits` characters of the text are one number, low + code * step
// A code is written in base 88, the highest digit first, with the printable ASCII characters without " & ' < > and \.
// The highest code means "no number". Steps are kept exactly; values to 1/7,742 of their line's range, which is less
// than a chart's pixel. So 12 layers of 64 experts with 500 points each take 0.8 MB instead of 7.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/report/report.h"

namespace heterodyne {

constexpr size_t kLongLine = 100;

/// A packed list, in two characters for each number.
Table packed_values(const std::vector<std::optional<double>>& values);

/// A packed list of whole numbers, exact; nothing when one is not whole or the range is too wide for three characters.
std::optional<Table> packed_steps(const std::vector<double>& steps);

/// The anchor of a panel's figure; `index` counts from 0.
std::string figure_id(const std::string& panel, size_t index);

/// The document, to be escaped for where it is put. Equal reports give equal bytes.
std::string page_data(const Report& report);

}  // namespace heterodyne
