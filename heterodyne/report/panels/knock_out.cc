// Knock-out: what happens to each class when one expert is taken away and the others' weights are scaled up.
#include <algorithm>
#include <cmath>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostColumns = 64;  // columns of a picture

bool has_all(const LayerProfile& layer) {
  const size_t E = layer.experts.size();
  return layer.knock_out && E > 0 && layer.knock_out->loss_change_E.size() == E &&
         layer.knock_out->accuracy_change_E.size() == E;
}

View experts_view(const LayerProfile& layer, const RoutingProfile& profile) {
  const KnockOut& changes = *layer.knock_out;
  View view{{}, "change without the expert", "", "", {}, {{"expert", "loss change, nats", "accuracy change"}, {}}, ""};
  BarChart chart{.x = "expert", .y = "loss without it less loss with it, nats", .names = expert_labels(layer.experts)};
  chart.series = {{"loss change", changes.loss_change_E}};
  size_t worst = chart.names.size();
  for (size_t e = 0; e < chart.names.size(); ++e) {
    view.table.rows.push_back(
        {chart.names[e], rounded(changes.loss_change_E[e]), rounded(changes.accuracy_change_E[e])});
    if (!std::isfinite(changes.loss_change_E[e])) continue;
    if (worst == chart.names.size() || changes.loss_change_E[e] > changes.loss_change_E[worst]) worst = e;
  }
  view.count = "n = " + counted(profile.num_examples, "example");
  view.reading = worst == chart.names.size()
                     ? "No change of the loss of " + layer.counts.layer + " is a number."
                     : "Without expert " + chart.names[worst] + " of " + layer.counts.layer + " the loss changes by " +
                           number(changes.loss_change_E[worst]) + " nats from " + number(changes.loss) +
                           " and the accuracy by " + number(100 * changes.accuracy_change_E[worst]) +
                           " points, the most of all.";
  view.chart = chart.table();
  return view;
}

// The classes' names, where the changes are known for each of them.
std::vector<std::string> classes_of(const LayerProfile& layer) {
  const GroupCounts* classes = layer.group("class");
  const size_t E = layer.experts.size();
  if (classes == nullptr || layer.knock_out->loss_change_EY.size() != E * classes->labels.size()) return {};
  return classes->labels;
}

View classes_view(const LayerProfile& layer) {
  const auto classes = classes_of(layer);
  const auto& change_EY = layer.knock_out->loss_change_EY;
  const size_t E = layer.experts.size(), Y = classes.size(), shown = std::min(Y, kMostColumns);
  Heatmap map{.x = "class", .y = "expert", .rows = expert_labels(layer.experts)};
  map.columns = {classes.begin(), classes.begin() + static_cast<int64_t>(shown)};
  map.scale = "diverging";
  map.middle = 0;
  View view{{}, "loss without it less loss with it, nats", "", "", {}, {}, ""};
  double farthest = 0;
  size_t most = E * Y;
  for (size_t e = 0; e < E; ++e) {
    const auto begin = change_EY.begin() + static_cast<int64_t>(e * Y);
    map.values.emplace_back(begin, begin + static_cast<int64_t>(shown));
    for (const double change : map.values.back()) {
      if (std::isfinite(change)) farthest = std::max(farthest, std::abs(change));
    }
    for (size_t y = 0; y < Y; ++y) {
      const double change = change_EY[e * Y + y];
      if (std::isfinite(change) && (most == E * Y || change > change_EY[most])) most = e * Y + y;
    }
  }
  map.high = farthest > 0 ? farthest : 1;
  map.low = -map.high;
  view.table = heatmap_table(map, "expert", 0);
  view.count =
      "n = " + std::to_string(Y) + " classes" + (shown < Y ? ", the first " + std::to_string(shown) + " drawn" : "");
  view.reading = most == E * Y ? "No class has examples."
                               : "Taking away expert " + map.rows[most / Y] + " costs " + classes[most % Y] +
                                     " the most: " + number(change_EY[most]) + " nats.";
  view.chart = map.table();
  return view;
}

std::optional<Panel> make_knock_out(const ReportInput& input) {
  const std::string title = "Knock-out";
  std::vector<LayerProfile> layers, by_class;
  if (input.run.routing) {
    for (const LayerProfile& layer : input.run.routing->layers) {
      if (!has_all(layer)) continue;
      layers.push_back(layer);
      if (!classes_of(layer).empty()) by_class.push_back(layer);
    }
  }
  if (layers.empty()) return not_recorded(title, "What each expert is worth", input, "--knockout");
  const RoutingProfile& profile = *input.run.routing;
  Panel panel{title, {}, ""};
  panel.figures.push_back(figure_of("Loss without each expert", {layer_choice(layers)},
                                    [&](const auto& options) { return experts_view(layers[options[0]], profile); }));
  if (!by_class.empty()) {
    panel.figures.push_back(figure_of("Loss of each class without each expert", {layer_choice(by_class)},
                                      [&](const auto& options) { return classes_view(by_class[options[0]]); }));
  }
  return panel;
}

}  // namespace

PanelKind panel_kind_knock_out() {
  return {"what happens to the loss of each class when one expert is taken away", 120, make_knock_out, {}};
}

}  // namespace heterodyne
