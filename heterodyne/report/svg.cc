#include "heterodyne/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "heterodyne/base/text.h"
#include "heterodyne/report/chart.h"
#include "heterodyne/report/svg_canvas.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr double kWidth = SvgCanvas::kWidth, kTop = 10, kPlotHeight = 240;
constexpr size_t kMostHints = 150;  // more would weigh more than the picture
constexpr const char* kFaint = "stroke-opacity=\"0.2\"";
constexpr const char* kDashed = "stroke-opacity=\"0.6\" stroke-dasharray=\"4 3\"";

// A chart's table as its writers make it; what is missing is empty, so that no chart can stop a report.
double real(const Value* value) {
  if (value && value->if_integer()) return static_cast<double>(*value->if_integer());
  return value && value->if_real() ? *value->if_real() : std::numeric_limits<double>::quiet_NaN();
}
double real(const Table& table, const char* key) { return real(table.find(key)); }

const Array& items(const Table& table, const char* key) {
  static const Array none;
  const Value* value = table.find(key);
  return value && value->if_array() ? *value->if_array() : none;
}

std::string text(const Value* value) { return value && value->if_text() ? *value->if_text() : ""; }
std::string text(const Table& table, const char* key) { return text(table.find(key)); }

std::vector<std::string> texts(const Table& table, const char* key) {
  std::vector<std::string> all;
  for (const Value& item : items(table, key)) all.push_back(text(&item));
  return all;
}

void each_table(const Table& table, const char* key, const std::function<void(const Table&)>& visit) {
  for (const Value& item : items(table, key)) {
    if (item.if_table()) visit(*item.if_table());
  }
}

// Room for the names at the left.
double margin_of(const std::vector<std::string>& names) {
  size_t longest = 4;
  for (const auto& name : names) longest = std::max(longest, std::min<size_t>(columns_of(name), 24));
  return 16 + 6.5 * static_cast<double>(longest);
}

struct Bounds {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

void y_axis(SvgCanvas& canvas, const Scale& y, double left, const std::string& name) {
  for (const double tick : y.ticks(5)) {
    canvas.line(left, y(tick), kWidth - 10, y(tick), kFaint);
    canvas.text(left - 6, y(tick) + 4, number(tick), Anchor::kEnd);
  }
  canvas.text(12, kTop + kPlotHeight / 2, shortened(name, 44), Anchor::kMiddle, -90);
}

void x_axis(SvgCanvas& canvas, const Scale& x, double bottom, const std::string& name) {
  for (const double tick : x.ticks(6)) {
    canvas.line(x(tick), bottom, x(tick), bottom + 4);
    const bool is_whole = std::abs(tick) >= 1000 && tick == std::floor(tick) && std::abs(tick) < 1e15;
    canvas.text(x(tick), bottom + 17, is_whole ? with_commas(static_cast<int64_t>(tick)) : number(tick),
                Anchor::kMiddle);
  }
  canvas.text(kWidth / 2, bottom + 33, name, Anchor::kMiddle);
}

void levels(SvgCanvas& canvas, const Table& chart, const Scale& y, double left) {
  each_table(chart, "levels", [&](const Table& level) {
    const double at = real(level, "y");
    if (!std::isfinite(at)) return;
    canvas.line(left, y(at), kWidth - 10, y(at), kDashed);
    canvas.text(kWidth - 12, y(at) - 4, text(level, "text"), Anchor::kEnd);
  });
}

std::string lines(const Table& chart, const std::string& title) {
  constexpr double kLeft = 76, kBottom = kTop + kPlotHeight;
  Bounds along, across;
  std::vector<std::string> names;
  std::vector<Points> all;
  std::vector<bool> is_dashed;
  each_table(chart, "series", [&](const Table& series) {
    names.push_back(text(series, "name"));
    is_dashed.push_back(series.contains("dashed"));
    Points& points = all.emplace_back();
    for (const Value& point : items(series, "points")) {
      const Array* pair = point.if_array();
      if (pair == nullptr || pair->size() != 2) continue;
      points.emplace_back(real(&(*pair)[0]), real(&(*pair)[1]));
      along.add(points.back().first);
      across.add(points.back().second);
    }
  });
  each_table(chart, "levels", [&](const Table& level) { across.add(real(level, "y")); });
  const Scale x(along.low, along.high, kLeft, kWidth - 10), y(across.low, across.high, kBottom, kTop);
  SvgCanvas canvas;
  y_axis(canvas, y, kLeft, text(chart, "y"));
  x_axis(canvas, x, kBottom, text(chart, "x"));
  levels(canvas, chart, y, kLeft);
  each_table(chart, "marks", [&](const Table& mark) {
    const double at = x(real(mark, "x"));
    if (!(at >= kLeft && at <= kWidth)) return;
    canvas.line(at, kTop, at, kBottom, kDashed);
    canvas.text(at + 3, kTop + 10, shortened(text(mark, "text"), 20));
  });
  for (size_t i = 0; i < all.size(); ++i) {
    Points placed;
    for (const auto& [step, value] : all[i]) placed.emplace_back(x(step), y(value));
    canvas.path(placed, i, is_dashed[i]);
  }
  return canvas.finish(kBottom + 56 + canvas.legend(kLeft, kBottom + 54, names), title);
}

// Names below the bars or cells, turned when they would run into one another. Returns the height they take.
double names_below(SvgCanvas& canvas, const std::vector<std::string>& names, double left, double width, double top) {
  size_t longest = 0;
  for (const auto& name : names) longest = std::max(longest, std::min<size_t>(columns_of(name), 24));
  const bool is_turned = 6.5 * static_cast<double>(longest) > width;
  const auto every = static_cast<size_t>(std::ceil(12 / std::max(width, 0.1)));  // no more than can be read
  for (size_t i = 0; i < names.size(); i += std::max<size_t>(every, 1)) {
    const double x = left + (static_cast<double>(i) + 0.5) * width;
    const std::string name = shortened(names[i], 24);
    if (is_turned) canvas.text(x + 4, top + 8, name, Anchor::kEnd, -60);
    if (!is_turned) canvas.text(x, top + 14, name, Anchor::kMiddle);
  }
  return is_turned ? 12 + 5.8 * static_cast<double>(longest) : 20;
}

std::string bars(const Table& chart, const std::string& title) {
  constexpr double kLeft = 76, kBottom = kTop + kPlotHeight;
  const auto names = texts(chart, "names");
  std::vector<std::string> series_names;
  std::vector<std::vector<double>> values;
  Bounds across;
  across.add(0);
  each_table(chart, "series", [&](const Table& series) {
    series_names.push_back(text(series, "name"));
    auto& row = values.emplace_back();
    for (const Value& value : items(series, "values")) row.push_back(real(&value));
    for (const double value : row) across.add(value);
  });
  each_table(chart, "levels", [&](const Table& level) { across.add(real(level, "y")); });
  const Scale y(across.low, across.high, kBottom, kTop);
  SvgCanvas canvas;
  y_axis(canvas, y, kLeft, text(chart, "y"));
  const double slot = (kWidth - 10 - kLeft) / static_cast<double>(std::max<size_t>(names.size(), 1));
  const double width = 0.8 * slot / static_cast<double>(std::max<size_t>(values.size(), 1));
  for (size_t s = 0; s < values.size(); ++s) {
    for (size_t i = 0; i < std::min(values[s].size(), names.size()); ++i) {
      const double value = values[s][i];
      if (!std::isfinite(value)) continue;
      const double x = kLeft + static_cast<double>(i) * slot + 0.1 * slot + static_cast<double>(s) * width;
      const bool is_small = names.size() * values.size() <= kMostHints;
      const std::string hint = is_small ? names[i] + ", " + series_names[s] + ": " + number(value) : "";
      canvas.rect(x, std::min(y(value), y(0)), 0.95 * width, std::abs(y(value) - y(0)), fill_of(s), hint);
    }
  }
  canvas.line(kLeft, y(0), kWidth - 10, y(0));
  levels(canvas, chart, y, kLeft);
  const double bottom = kBottom + names_below(canvas, names, kLeft, slot, kBottom);
  canvas.text(kWidth / 2, bottom + 14, text(chart, "x"), Anchor::kMiddle);
  const double legend = series_names.size() > 1 ? canvas.legend(kLeft, bottom + 34, series_names) : 0;
  return canvas.finish(bottom + 24 + legend, title);
}

// Blue for much, orange below the middle; how much by opacity, so that it reads on light and on dark.
std::string colour_of(const Table& chart, double value) {
  const std::string scale = text(chart, "scale");
  const double low = real(chart, "low"), high = real(chart, "high"), middle = real(chart, "middle");
  double share = (value - low) / std::max(high - low, 1e-300);
  bool is_below = false;
  if (scale == "diverging") {
    is_below = value < middle;
    share = is_below ? (middle - value) / std::max(middle - low, 1e-300)
                     : (value - middle) / std::max(high - middle, 1e-300);
  } else if (scale == "log") {
    is_below = value < middle;
    const double whole = is_below ? std::log(middle / std::max(low, 1e-12)) : std::log(high / middle);
    share = std::abs(std::log(std::max(value, 1e-12) / middle)) / std::max(whole, std::log(2.0));
  }
  const double opacity = 0.06 + 0.84 * std::clamp(std::isfinite(share) ? share : 0, 0.0, 1.0);
  return fmt::format("fill=\"{}\" fill-opacity=\"{:.2f}\"", is_below ? "#ee7733" : "#4477aa", opacity);
}

std::string heatmap(const Table& chart, const std::string& title) {
  const auto rows = texts(chart, "rows"), columns = texts(chart, "columns");
  const double left = margin_of(rows) + 14;
  const double height = rows.size() > 32 ? 13 : 22;
  const double width = std::min(64.0, (kWidth - 10 - left) / static_cast<double>(std::max<size_t>(columns.size(), 1)));
  SvgCanvas canvas;
  const auto cell = [&](size_t row, size_t column) {
    return std::pair(left + static_cast<double>(column) * width, kTop + static_cast<double>(row) * height);
  };
  const Array& values = items(chart, "values");
  const bool is_small = rows.size() * columns.size() <= kMostHints;
  for (size_t r = 0; r < std::min(values.size(), rows.size()); ++r) {
    const Array* row = values[r].if_array();
    canvas.text(left - 6, cell(r, 0).second + height / 2 + 4, shortened(rows[r], 24), Anchor::kEnd);
    for (size_t c = 0; row && c < std::min(row->size(), columns.size()); ++c) {
      const double value = real(&(*row)[c]);
      if (!std::isfinite(value)) continue;
      const auto [x, y] = cell(r, c);
      const std::string hint = is_small ? rows[r] + ", " + columns[c] + ": " + number(value) : "";
      canvas.rect(x, y, width - 1, height - 1, colour_of(chart, value), hint);
    }
  }
  const auto marked = [&](const char* key, const std::function<void(double, double)>& draw) {
    for (const Value& item : items(chart, key)) {
      const Array* place = item.if_array();
      if (place == nullptr || place->size() != 2) continue;
      const double r = real(&(*place)[0]), c = real(&(*place)[1]);
      if (!(r >= 0 && c >= 0)) continue;
      const auto [x, y] = cell(static_cast<size_t>(r), static_cast<size_t>(c));
      draw(x, y);
    }
  };
  marked("grey", [&](double x, double y) {
    canvas.rect(x, y, width - 1, height - 1, "class=\"grey\" fill=\"#888888\" fill-opacity=\"0.6\"", "too few to say");
  });
  marked("crossed", [&](double x, double y) {
    canvas.rect(x, y, width - 1, height - 1, "fill=\"none\" stroke=\"currentColor\"", "dead");
    canvas.line(x, y, x + width - 1, y + height - 1);
    canvas.line(x, y + height - 1, x + width - 1, y);
  });
  double bottom = kTop + static_cast<double>(rows.size()) * height;
  bottom += names_below(canvas, columns, left, width, bottom) + 14;
  canvas.text(left, bottom,
              text(chart, "x") + " (across), " + text(chart, "y") + " (down); from " + number(real(chart, "low")) +
                  " to " + number(real(chart, "high")));
  return canvas.finish(bottom + 10, title);
}

std::string spans(const Table& chart, const std::string& title) {
  const auto rows = texts(chart, "rows");
  const double left = margin_of(rows), height = 22;
  Bounds along;
  along.add(0);
  std::map<std::string, size_t> colours;
  each_table(chart, "spans", [&](const Table& span) {
    along.add(real(span, "from"));
    along.add(real(span, "to"));
    colours.emplace(text(span, "group"), 0);
  });
  size_t next = 0;
  std::vector<std::string> groups;
  for (auto& [group, colour] : colours) {
    colour = next++;
    groups.push_back(group);
  }
  const Scale x(along.low, along.high, left, kWidth - 10);
  const auto middle = [&](double row) { return kTop + row * height + height / 2; };
  SvgCanvas canvas;
  for (size_t r = 0; r < rows.size(); ++r) {
    canvas.text(left - 6, middle(static_cast<double>(r)) + 4, shortened(rows[r], 24), Anchor::kEnd);
  }
  each_table(chart, "spans", [&](const Table& span) {
    const double from = x(real(span, "from")), to = x(real(span, "to")), row = real(span, "row");
    if (!std::isfinite(row) || !std::isfinite(from) || !std::isfinite(to)) return;
    canvas.rect(from, middle(row) - 8, std::max(to - from, 1.0), 16, fill_of(colours[text(span, "group")]),
                text(span, "text"));
  });
  each_table(chart, "links", [&](const Table& link) {
    const double at = x(real(link, "x")), from = middle(real(link, "from")), to = middle(real(link, "to"));
    if (!std::isfinite(at) || !std::isfinite(from) || !std::isfinite(to)) return;
    const double head = to > from ? -5 : 5;
    canvas.line(at, from, at, to);
    canvas.line(at - 4, to + head, at, to);
    canvas.line(at + 4, to + head, at, to);
  });
  const double bottom = kTop + static_cast<double>(rows.size()) * height;
  x_axis(canvas, x, bottom, text(chart, "x"));
  return canvas.finish(bottom + 56 + canvas.legend(left, bottom + 54, groups), title);
}

std::string ranges(const Table& chart, const std::string& title) {
  std::vector<std::string> names;
  Bounds along;
  along.add(0);
  each_table(chart, "rows", [&](const Table& row) {
    names.push_back(text(row, "name"));
    for (const char* key : {"value", "low", "high"}) along.add(real(row, key));
  });
  const double left = margin_of(names), height = 26;
  const Scale x(along.low, along.high, left, kWidth - 16);
  SvgCanvas canvas;
  size_t index = 0;
  each_table(chart, "rows", [&](const Table& row) {
    const double middle = kTop + static_cast<double>(index) * height + height / 2;
    const double value = real(row, "value"), low = real(row, "low"), high = real(row, "high");
    canvas.text(left - 6, middle + 4, shortened(names[index++], 24), Anchor::kEnd);
    canvas.line(left, middle, kWidth - 16, middle, kFaint);
    if (std::isfinite(low) && std::isfinite(high)) {
      canvas.rect(x(low), middle - 7, std::max(x(high) - x(low), 2.0), 14,
                  "class=\"chance\" fill=\"#888888\" fill-opacity=\"0.5\"",
                  "chance: " + number(low) + " .. " + number(high));
    }
    if (std::isfinite(value)) canvas.circle(x(value), middle, 5, 0, number(value));
  });
  const double bottom = kTop + static_cast<double>(names.size()) * height;
  x_axis(canvas, x, bottom, text(chart, "x"));
  return canvas.finish(bottom + 42, title);
}

}  // namespace

std::string svg_of(const Table& chart, const std::string& title) {
  const std::string kind = text(chart, "kind");
  if (kind == "lines") return lines(chart, title);
  if (kind == "bars") return bars(chart, title);
  if (kind == "heatmap") return heatmap(chart, title);
  if (kind == "spans") return spans(chart, title);
  return kind == "ranges" ? ranges(chart, title) : "";
}

std::string svg_file(const std::string& svg) {
  const size_t end = svg.find('>');
  if (end == std::string::npos) return "";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + svg.substr(0, end + 1) +
         "\n<style>svg{color:#222;background:#fff}@media(prefers-color-scheme:dark){svg{color:#ddd;background:#181818}}"
         "</style>" +
         svg.substr(end + 1) + "\n";
}

}  // namespace heterodyne
