// Lifecycle: when each expert came and went, of which parents, and why.
#include <algorithm>

#include "heterodyne/base/text.h"
#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::string label_of(const Life& life) { return std::to_string(life.id) + (life.name.empty() ? "" : " " + life.name); }

std::string sizes_of(const LayerLives& layer) {
  const auto active = layer.active();
  return std::to_string(active.front().second) + " -> " + std::to_string(active.back().second);
}

Rows table_of(const LayerLives& layer) {
  Rows table{{"expert", "kind", "born", "ended", "parents", "why"}, {}};
  for (const Life& life : layer.experts) {
    std::vector<std::string> parents;
    for (const int64_t parent : life.parents) parents.push_back(std::to_string(parent));
    table.rows.push_back({label_of(life), life.kind, life.born, life.is_alive ? Value() : Value(life.end),
                          join(parents), join(life.reasons, "; ")});
  }
  return table;
}

View spans_of(const LayerLives& layer) {
  SpanChart chart{.x = "step"};
  for (size_t row = 0; row < layer.experts.size(); ++row) {
    const Life& life = layer.experts[row];
    chart.rows.push_back(label_of(life));
    chart.spans.push_back({row, static_cast<double>(life.born), static_cast<double>(life.end),
                           life.kind.empty() ? "expert" : life.kind, join(life.reasons, "; ")});
    for (const int64_t parent : life.parents) {
      const auto found = std::find_if(layer.experts.begin(), layer.experts.end(),
                                      [&](const Life& other) { return other.id == parent; });
      if (found == layer.experts.end()) continue;
      chart.links.push_back({static_cast<size_t>(found - layer.experts.begin()), row, static_cast<double>(life.born)});
    }
  }
  View view;
  view.unit = "step";
  view.count = "n = " + counted(static_cast<int64_t>(layer.experts.size()), "expert");
  const auto num_alive = static_cast<size_t>(layer.num_active(layer.last_step));
  view.reading = layer.is_fixed() ? "The number of experts of " + layer.layer +
                                        " is fixed: " + counted(static_cast<int64_t>(num_alive), "expert") +
                                        " from the first step to the last."
                                  : layer.layer + " went from " + std::to_string(layer.active().front().second) +
                                        " to " + counted(layer.active().back().second, "expert") + "; " +
                                        std::to_string(layer.experts.size()) + " lived in all.";
  view.chart = chart.table();
  view.table = table_of(layer);
  return view;
}

View counts_of(const std::vector<LayerLives>& layers) {
  LineChart chart{.x = "step", .y = "active experts"};
  View view{{}, "active experts", "", "", {}, {{"layer", "from step", "active experts"}, {}}, ""};
  std::vector<std::string> changes;
  for (const LayerLives& layer : layers) {
    LineSeries series{layer.layer};
    for (const auto& [step, active] : layer.active()) {
      // A count holds until the next change: the line goes there level.
      if (!series.points.empty()) {
        series.points.emplace_back(static_cast<double>(step), series.points.back().second);
      }
      series.points.emplace_back(static_cast<double>(step), static_cast<double>(active));
      view.table.rows.push_back({layer.layer, step, active});
    }
    series.points.emplace_back(static_cast<double>(layer.last_step), series.points.back().second);
    if (!layer.is_fixed()) changes.push_back(layer.layer + " " + sizes_of(layer));
    chart.series.push_back(std::move(series));
  }
  view.count = "n = " + counted(static_cast<int64_t>(layers.size()), "layer");
  view.reading = changes.empty() ? "The number of experts is fixed in every layer."
                                 : "Experts from the first step to the last: " + listed(changes) + ".";
  view.chart = chart.table();
  return view;
}

std::optional<Panel> make_lifecycle(const ReportInput& input) {
  if (input.run.metrics.empty() && input.run.config.empty() && input.run.routing) return {};  // a profile alone
  std::vector<LayerLives> layers;
  for (auto& layer : layer_lives(input)) {
    if (!layer.experts.empty()) layers.push_back(std::move(layer));
  }
  Panel panel{"Lifecycle", {}, ""};
  if (layers.empty()) {
    panel.absent =
        "No expert is recorded: metrics.jsonl has no lines of kind \"experts\", and there is no experts.jsonl.";
    return panel;
  }
  Choice choice{"layer", {}, 0};
  for (size_t l = 0; l < layers.size(); ++l) {
    choice.options.push_back(layers[l].layer);
    if (!layers[l].is_fixed() && layers[choice.chosen].is_fixed()) choice.chosen = l;
  }
  panel.figures.push_back(figure_of("Experts from birth to end", {choice},
                                    [&](const auto& options) { return spans_of(layers[options[0]]); }));
  panel.figures.push_back(figure_of("Active experts", {}, [&](const auto&) { return counts_of(layers); }));
  for (Figure& figure : panel.figures) draw_opening_view(figure);
  return panel;
}

}  // namespace

PanelKind panel_kind_lifecycle() {
  return {"when each expert came and went, of which parents, and why", 100, make_lifecycle, {}};
}

}  // namespace heterodyne
