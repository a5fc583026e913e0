#include "heterodyne/report/figure.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/report/svg.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostPoints = 500, kFewestPoints = 120;   // of a line
constexpr size_t kMostTableCells = 400, kMostListed = 40;  // of a heatmap's table
constexpr size_t kPointsOfAFigure = 20'000;                // in all views

// The next combination, the last switch first. False after the last one.
bool advance(std::vector<size_t>& options, const std::vector<Choice>& choices) {
  for (size_t i = choices.size(); i-- > 0;) {
    if (++options[i] < choices[i].options.size()) return true;
    options[i] = 0;
  }
  return false;
}

}  // namespace

Figure figure_of(std::string title, const std::vector<Choice>& choices,
                 const std::function<View(const std::vector<size_t>&)>& make) {
  Figure figure{std::move(title), {}, {}};
  for (const Choice& choice : choices) {
    if (choice.options.empty()) return figure;
    if (choice.options.size() > 1) figure.choices.push_back(choice);
  }
  std::vector<size_t> options(choices.size());
  do {
    View view = make(options);
    view.options.clear();
    for (size_t i = 0; i < choices.size(); ++i) {
      if (choices[i].options.size() > 1) view.options.push_back(options[i]);
    }
    figure.views.push_back(std::move(view));
  } while (advance(options, choices));
  return figure;
}

void draw_opening_view(Figure& figure) {
  std::vector<size_t> chosen;
  for (const Choice& choice : figure.choices) chosen.push_back(choice.chosen);
  for (View& view : figure.views) {
    if (view.options == chosen) view.svg = svg_of(view.chart, figure.title);
  }
}

Rows heatmap_table(const Heatmap& map, const std::string& corner, double even) {
  Rows table{{corner}, {}};
  if (map.rows.size() * map.columns.size() <= kMostTableCells) {
    table.columns.insert(table.columns.end(), map.columns.begin(), map.columns.end());
    for (size_t r = 0; r < map.rows.size(); ++r) {
      table.rows.push_back({map.rows[r]});
      for (const double value : map.values[r]) table.rows.back().push_back(rounded(value));
    }
    return table;
  }
  std::vector<Cell> cells;
  for (size_t r = 0; r < map.rows.size(); ++r) {
    for (size_t c = 0; c < map.columns.size(); ++c) {
      if (std::isfinite(map.values[r][c])) cells.push_back({r, c});
    }
  }
  const auto distance = [&](const Cell& cell) { return std::abs(map.values[cell.row][cell.column] - even); };
  std::stable_sort(cells.begin(), cells.end(), [&](const Cell& a, const Cell& b) { return distance(a) > distance(b); });
  cells.resize(std::min(cells.size(), kMostListed));
  table.columns = {corner, map.x == corner ? map.y : map.x, "value"};
  for (const Cell& cell : cells) {
    table.rows.push_back({map.rows[cell.row], map.columns[cell.column], rounded(map.values[cell.row][cell.column])});
  }
  return table;
}

Figure table_figure(std::string title, std::string reading, Rows table) {
  View view;
  view.count = "n = " + counted(static_cast<int64_t>(table.rows.size()), "row");
  view.reading = std::move(reading);
  view.table = std::move(table);
  return {std::move(title), {}, {std::move(view)}};
}

std::string model_of(const RunRecord& run) {
  const Value* model = run.config.empty() && run.routing ? run.routing->about.find("model") : nullptr;
  if (model && model->if_text()) return shell_word(*model->if_text());
  return run.path.empty() || (run.config.empty() && run.routing) ? "RUN" : shell_word(run.path);
}

Panel not_recorded(std::string title, const std::string& what, const ReportInput& input, const std::string& flags) {
  const std::string more = flags.empty() ? "" : " " + flags;
  return {std::move(title),
          {},
          what + " was not recorded. This records it: heterodyne route " + model_of(input.run) + more};
}

size_t points_per_line(size_t num_lines) {
  return std::clamp<size_t>(kPointsOfAFigure / std::max<size_t>(num_lines, 1), kFewestPoints, kMostPoints);
}

}  // namespace heterodyne
