#include "heterodyne/report/page_data.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "heterodyne/base/torch.h"
#include "heterodyne/io/json.h"
#include "heterodyne/report/html.h"

namespace heterodyne {
namespace {

using LinePoints = std::vector<std::pair<double, std::optional<double>>>;

std::string alphabet() {
  std::string characters;
  for (char c = '!'; c <= '~'; ++c) {
    if (std::string_view("\"&'<>\\").find(c) == std::string_view::npos) characters += c;
  }
  return characters;
}

constexpr int64_t kBase = 88;

int64_t num_codes(int digits) { return digits == 2 ? kBase * kBase : kBase * kBase * kBase; }

std::string written(int64_t code, int digits) {
  static const std::string characters = alphabet();
  std::string text(static_cast<size_t>(digits), '!');
  for (auto at = text.rbegin(); at != text.rend(); ++at, code /= kBase)
    *at = characters[static_cast<size_t>(code % kBase)];
  return text;
}

Value compact(double number) {
  if (!std::isfinite(number)) return {};
  if (number == std::trunc(number) && std::abs(number) < 1e15) return static_cast<int64_t>(number);
  return std::stod(fmt::format("{:.5e}", number));
}

Value compact(const Value& value);

Table compact(const Table& table) {
  std::vector<Entry> entries;
  for (const Entry& entry : table.entries()) entries.push_back({entry.key, compact(entry.value)});
  return Table(std::move(entries));
}

Value compact(const Value& value) {
  if (const std::string* text = value.if_text()) return visible(*text);
  if (const double* real = value.if_real()) return compact(*real);
  if (const Table* table = value.if_table()) return compact(*table);
  if (const Array* items = value.if_array()) {
    Array list;
    for (const Value& item : *items) list.push_back(compact(item));
    return list;
  }
  return value;
}

std::optional<double> number_of(const Value& value) {
  if (const int64_t* integer = value.if_integer()) return static_cast<double>(*integer);
  if (const double* real = value.if_real(); real != nullptr && std::isfinite(*real)) return *real;
  return std::nullopt;
}

/// The points of a series; nothing when they are few, or not all [x, y].
std::optional<LinePoints> long_line(const Table& series) {
  const Value* value = series.find("points");
  const Array* items = value != nullptr ? value->if_array() : nullptr;
  if (items == nullptr || items->size() <= kLongLine) return std::nullopt;
  LinePoints points;
  for (const Value& item : *items) {
    const Array* pair = item.if_array();
    if (pair == nullptr || pair->size() != 2) return std::nullopt;
    const std::optional<double> x = number_of((*pair)[0]);
    if (!x) return std::nullopt;
    points.emplace_back(*x, number_of((*pair)[1]));
  }
  return points;
}

/// The series with packed lists in the place of its points, where that can be done.
Table packed_series(const Table& series) {
  const std::optional<LinePoints> points = long_line(series);
  std::vector<double> x;
  std::vector<std::optional<double>> y;
  for (const auto& point : points.value_or(LinePoints())) {
    x.push_back(point.first);
    y.push_back(point.second);
  }
  const std::optional<Table> packed_x = points ? packed_steps(x) : std::nullopt;
  if (!packed_x) return compact(series);
  Table rest = series;
  rest.erase("points");
  rest = compact(rest);
  rest.set("packed_x", *packed_x);
  rest.set("packed_y", packed_values(y));
  return rest;
}

/// Moves the x that all lines share up to the chart.
void share_x(Table& chart, Array& series) {
  const auto x_of = [](const Value& line) { return line.if_table()->find("packed_x"); };
  if (series.empty() || x_of(series[0]) == nullptr) return;
  const Value shared = *x_of(series[0]);
  for (const Value& line : series) {
    if (x_of(line) == nullptr || !(*x_of(line) == shared)) return;
  }
  for (Value& line : series) line.if_table()->erase("packed_x");
  chart.set("packed_x", shared);
}

Table packed_chart(const Table& chart) {
  const Value* kind = chart.find("kind");
  const Value* lines = chart.find("series");
  if (kind == nullptr || !(*kind == Value("lines")) || lines == nullptr || lines->if_array() == nullptr) {
    return compact(chart);
  }
  Array series;
  for (const Value& line : *lines->if_array()) {
    if (line.if_table() == nullptr) return compact(chart);
    series.push_back(packed_series(*line.if_table()));
  }
  Table packed = chart;
  packed.erase("series");
  packed = compact(packed);
  share_x(packed, series);
  packed.set("series", std::move(series));
  return packed;
}

Table figure_data(const std::string& id, const Figure& figure) {
  Array choices;
  for (const Choice& choice : figure.choices) {
    Array options;
    for (const std::string& option : choice.options) options.emplace_back(visible(option));
    choices.push_back(
        Table{{"name", visible(choice.name)}, {"options", options}, {"chosen", static_cast<int64_t>(choice.chosen)}});
  }
  Array views;
  for (const View& view : figure.views) {
    Array options;
    for (const size_t option : view.options) options.emplace_back(static_cast<int64_t>(option));
    views.push_back(Table{{"options", options}, {"chart", packed_chart(view.chart)}});
  }
  return {{"id", id}, {"choices", choices}, {"views", views}};
}

}  // namespace

Table packed_values(const std::vector<std::optional<double>>& values) {
  double low = 0;
  double high = 0;
  bool is_first = true;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    low = is_first ? *value : std::min(low, *value);
    high = is_first ? *value : std::max(high, *value);
    is_first = false;
  }
  const int64_t none = num_codes(2) - 1;
  const double step = (high - low) / static_cast<double>(none - 1);
  std::string text;
  for (const std::optional<double>& value : values) {
    const double code = value && step > 0 ? std::round((*value - low) / step) : 0;
    text += written(value ? static_cast<int64_t>(code) : none, 2);
  }
  return {{"low", low}, {"step", step}, {"digits", 2}, {"text", text}};
}

std::optional<Table> packed_steps(const std::vector<double>& steps) {
  if (steps.empty()) return std::nullopt;
  const auto [low, high] = std::minmax_element(steps.begin(), steps.end());
  const int digits = *high - *low < static_cast<double>(num_codes(2) - 1) ? 2 : 3;
  if (*high - *low >= static_cast<double>(num_codes(3) - 1)) return std::nullopt;
  std::string text;
  for (const double step : steps) {
    if (step != std::trunc(step) || std::abs(step) > 1e15) return std::nullopt;
    text += written(static_cast<int64_t>(step - *low), digits);
  }
  return Table{{"low", static_cast<int64_t>(*low)}, {"step", 1}, {"digits", digits}, {"text", text}};
}

std::string figure_id(const std::string& panel, size_t index) { return fmt::format("{}-{}", panel, index + 1); }

std::string page_data(const Report& report) {
  Array figures;
  for (const NamedPanel& named : report.panels) {
    for (size_t i = 0; i < named.panel.figures.size(); ++i) {
      figures.push_back(figure_data(figure_id(named.id, i), named.panel.figures[i]));
    }
  }
  return io::write_json(Table{{"figures", figures}});
}

}  // namespace heterodyne
