// Load: how much each expert got, against an even share, and its size beside it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

// The experts' names where all layers have the same ones in the same order; places otherwise.
std::vector<std::string> columns_of(const std::vector<ReportedLoad>& loads,
                                    const std::vector<std::vector<size_t>>& order) {
  std::vector<std::string> names;
  for (size_t l = 0; l < loads.size(); ++l) {
    std::vector<std::string> here;
    for (const size_t e : order[l]) here.push_back(expert_label(loads[l].experts[e]));
    if (l == 0) names = here;
    if (names == here) continue;
    size_t most = 0;
    for (const ReportedLoad& load : loads) most = std::max(most, load.experts.size());
    names.clear();
    for (size_t place = 1; place <= most; ++place) names.push_back(std::to_string(place));
    return names;
  }
  return names;
}

View heatmap_of(const std::vector<ReportedLoad>& loads) {
  View view;
  view.unit = "share x number of experts; 1 is even";
  view.table.columns = {"layer", "experts", "assignments", "lowest load", "highest load", "dead"};
  Heatmap map{.x = "expert", .y = "layer"};
  map.scale = "log";
  map.low = 1;
  std::vector<std::vector<size_t>> order;
  for (const ReportedLoad& load : loads) order.push_back(by_kind_and_size(load.experts));
  map.columns = columns_of(loads, order);
  std::vector<std::string> dead;
  int64_t total = 0;
  double highest = 0;
  std::string most;
  for (size_t l = 0; l < loads.size(); ++l) {
    std::vector<double> row;
    for (const size_t e : order[l]) {
      row.push_back(loads[l].share(e) * static_cast<double>(loads[l].experts.size()));
      const std::string label = expert_label(loads[l].experts[e]);
      if (row.back() > 0) map.low = std::min(map.low, row.back());
      if (row.back() > highest) std::tie(highest, most) = std::tuple(row.back(), label + " of " + loads[l].layer);
      if (loads[l].counts.count_E[e] > 0) continue;
      map.crossed.push_back({l, row.size() - 1});
      dead.push_back(loads[l].layer + " " + label);
    }
    const auto [low, high] = std::minmax_element(row.begin(), row.end());
    const int64_t assignments = loads[l].counts.num_assignments();
    view.table.rows.push_back({loads[l].layer, static_cast<int64_t>(row.size()), assignments,
                               row.empty() ? Value() : rounded(*low), row.empty() ? Value() : rounded(*high),
                               loads[l].balance().num_dead});
    total += assignments;
    row.resize(map.columns.size(), std::numeric_limits<double>::quiet_NaN());
    map.rows.push_back(loads[l].layer);
    map.values.push_back(std::move(row));
  }
  map.high = std::max(highest, 1.0);
  view.count = "n = " + counted(total, "assignment") + ", " + loads.front().source;
  view.reading = most.empty()
                     ? "Nothing was assigned."
                     : "The most used expert, " + most + ", gets " + number(highest) + " times an even share; " +
                           (dead.empty() ? "every expert is used." : "without any token: " + listed(dead) + ".");
  view.chart = map.table();
  return view;
}

View bars_of(const ReportedLoad& load) {
  View view{{}, "share of the layer, 0 .. 1",
            "", "",
            {}, {{"expert", "share of assignments", "share of MACs", "share of parameters"}, {}},
            ""};
  const auto order = by_kind_and_size(load.experts);
  double macs = 0, params = 0;
  for (const size_t e : order) {
    macs += static_cast<double>(load.counts.count_E[e]) * load.experts[e].macs;
    params += static_cast<double>(load.experts[e].params);
  }
  BarChart chart{.x = "expert", .y = view.unit};
  chart.series = {{"assignments"}, {"MACs"}, {"parameters"}};
  if (params == 0) chart.series.resize(1);  // training's counts know no sizes
  for (const size_t e : order) {
    const ExpertFacts& expert = load.experts[e];
    const double of_macs = macs > 0 ? static_cast<double>(load.counts.count_E[e]) * expert.macs / macs : 0;
    const double of_params = params > 0 ? static_cast<double>(expert.params) / params : 0;
    chart.names.push_back(expert_label(expert));
    chart.series[0].values.push_back(load.share(e));
    const bool has_sizes = chart.series.size() == 3;
    if (has_sizes) {
      chart.series[1].values.push_back(of_macs);
      chart.series[2].values.push_back(of_params);
    }
    view.table.rows.push_back({expert_label(expert), rounded(load.share(e)), has_sizes ? rounded(of_macs) : Value(),
                               has_sizes ? rounded(of_params) : Value()});
  }
  const auto num_experts = static_cast<double>(std::max<size_t>(load.experts.size(), 1));
  chart.levels = {{1 / num_experts, "even"}};
  std::vector<std::string> shares;
  for (const size_t e : order) shares.push_back(expert_label(load.experts[e]) + " " + percent(load.share(e)));
  view.count = "n = " + counted(load.counts.num_assignments(), "assignment") + ", " + load.source;
  view.reading = "Of the assignments of " + load.layer + ": " + listed(shares) + ".";
  view.chart = chart.table();
  return view;
}

std::optional<Panel> make_load(const ReportInput& input) {
  const auto loads = layer_loads(input);
  if (loads.empty()) return not_recorded("Load", "The routing", input);
  Panel panel{"Load", {}, ""};
  panel.figures.push_back(figure_of("Load of every expert", {}, [&](const auto&) { return heatmap_of(loads); }));
  Choice layers{"layer", {}, worst_layer(loads)};
  for (const ReportedLoad& load : loads) layers.options.push_back(load.layer);
  panel.figures.push_back(
      figure_of("Load and size", {layers}, [&](const auto& options) { return bars_of(loads[options[0]]); }));
  for (Figure& figure : panel.figures) draw_opening_view(figure);
  return panel;
}

}  // namespace

PanelKind panel_kind_load() {
  return {"load of every expert against an even share, dead ones crossed, and its size beside it", 30, make_load, {}};
}

}  // namespace heterodyne
