// Balance: how evenly each layer's experts are used, in the usual numbers, and how many experts tokens get.
#include <algorithm>
#include <numeric>

#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

Value share_of(int64_t part, int64_t whole) {
  return whole > 0 ? rounded(static_cast<double>(part) / static_cast<double>(whole)) : Value();
}

std::vector<Value> table_row(const ReportedLoad& load) {
  const Balance balance = load.balance();
  const LayerCounts& counts = load.counts;
  const int64_t assignments = counts.num_assignments();
  return {load.layer,
          static_cast<int64_t>(counts.count_E.size()),
          assignments,
          load.has_tokens() ? rounded(counts.mean_k()) : Value(),
          rounded(balance.cv),
          rounded(balance.entropy),
          rounded(balance.effective),
          rounded(balance.max_violation),
          rounded(balance.gini),
          balance.num_dead,
          balance.num_starved,
          load.has_tokens() ? share_of(counts.num_dropped, assignments + counts.num_dropped) : Value(),
          load.has_tokens() ? share_of(counts.num_unrouted, counts.num_tokens) : Value()};
}

View measures(const std::vector<ReportedLoad>& loads) {
  View view{{},
            "0 is even",
            "",
            "",
            {},
            {{"layer", "experts", "assignments", "mean k", "CV", "H", "effective experts", "MaxVio", "Gini", "dead",
              "starved", "dropped", "unrouted"},
             {}},
            ""};
  BarChart chart{.x = "layer", .y = "0 is even"};
  chart.series = {{"CV"}, {"MaxVio"}, {"1 - H"}, {"Gini"}};
  int64_t total = 0;
  for (const ReportedLoad& load : loads) {
    const Balance balance = load.balance();
    chart.names.push_back(load.layer);
    const double values[] = {balance.cv, balance.max_violation, 1 - balance.entropy, balance.gini};
    for (size_t i = 0; i < chart.series.size(); ++i) chart.series[i].values.push_back(values[i]);
    view.table.rows.push_back(table_row(load));
    total += load.counts.num_assignments();
  }
  const ReportedLoad& worst = loads[worst_layer(loads)];
  const Balance balance = worst.balance();
  view.count = "n = " + counted(total, "assignment") + ", " + loads.front().source;
  view.reading = worst.layer + " is the least even: CV " + number(balance.cv) + ", H " + number(balance.entropy) +
                 ", MaxVio " + number(balance.max_violation) + ", as if " + number(balance.effective) + " of " +
                 std::to_string(worst.counts.count_E.size()) + " experts were used evenly.";
  view.chart = chart.table();
  return view;
}

View choices(const LayerProfile& layer) {
  View view{{}, "share of tokens, 0 .. 1", "", "", {}, {{"experts", "tokens", "share"}, {}}, ""};
  const int64_t total = std::accumulate(layer.k_histogram.begin(), layer.k_histogram.end(), int64_t{0});
  BarChart chart{.x = "experts that a token got", .y = view.unit};
  chart.series = {{"tokens"}};
  for (size_t k = 0; k < layer.k_histogram.size(); ++k) {
    const double share = total > 0 ? static_cast<double>(layer.k_histogram[k]) / static_cast<double>(total) : 0;
    chart.names.push_back(std::to_string(k));
    chart.series[0].values.push_back(share);
    view.table.rows.push_back({static_cast<int64_t>(k), layer.k_histogram[k], rounded(share)});
  }
  view.count = "n = " + counted(total, "token");
  view.reading = "Tokens of " + layer.counts.layer + " get " + number(layer.counts.mean_k()) + " experts on average; " +
                 counted(layer.counts.num_unrouted, "token") + " got none and " +
                 counted(layer.counts.num_dropped, "assignment") + " found no room.";
  view.chart = chart.table();
  return view;
}

// A measure at each validation.
std::optional<Figure> over_time(const RunRecord& run, const std::string& name, const std::string& title) {
  View view{{}, title, "", "", {}, {{"layer", "first", "last"}, {}}, ""};
  LineChart chart{.x = "step", .y = title};
  int64_t num_points = 0;
  for (const auto& key : keys_of(run, "valid")) {
    const LayerKey parts = layer_key(key);
    if (parts.layer.empty() || parts.name != name) continue;
    const Series series = series_of(run, "valid", key);
    if (series.points.empty()) continue;
    chart.series.push_back({parts.layer, thinned(series.points, 200)});
    num_points += static_cast<int64_t>(series.points.size());
    view.table.rows.push_back(
        {parts.layer, rounded(series.points.front().second), rounded(series.points.back().second)});
    view.reading = parts.layer + " goes from " + number(series.points.front().second) + " to " +
                   number(series.points.back().second) + ".";
  }
  if (chart.series.empty()) return {};
  view.count = "n = " + counted(num_points, "validation value");
  view.chart = chart.table();
  return Figure{title + " at each validation", {}, {std::move(view)}};
}

std::optional<Panel> make_balance(const ReportInput& input) {
  Panel panel{"Balance", {}, ""};
  const auto loads = layer_loads(input);
  if (!loads.empty()) panel.figures.push_back(figure_of("Measures", {}, [&](const auto&) { return measures(loads); }));
  if (input.run.routing) {
    const auto& layers = input.run.routing->layers;
    Figure figure = figure_of("Experts per token", {layer_choice(layers)},
                              [&](const auto& options) { return choices(layers[options[0]]); });
    if (!figure.views.empty()) panel.figures.push_back(std::move(figure));
  }
  for (const auto& [name, title] : {std::pair("max_violation", "MaxVio"), std::pair("entropy", "H")}) {
    if (auto figure = over_time(input.run, name, title)) panel.figures.push_back(std::move(*figure));
  }
  for (Figure& figure : panel.figures) draw_opening_view(figure);
  if (panel.figures.empty()) return not_recorded(panel.title, "The routing", input);
  return panel;
}

}  // namespace

PanelKind panel_kind_balance() {
  return {"how evenly each layer's experts are used, and how many experts tokens get", 70, make_balance, {}};
}

}  // namespace heterodyne
