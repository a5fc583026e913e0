// Specialisation: what experts and classes say about one another, against labels dealt out anew among the examples.
#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/group_figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostClasses = 48;  // rows of a picture of class pairs

std::string verdict_of(double mutual, const std::optional<ChanceBand>& band) {
  if (!band) return "chance not recorded";
  return band->is_exceeded_by(mutual) ? "beyond chance" : "not distinguishable from chance";
}

View information_view(const std::vector<LayerProfile>& layers) {
  View view{{}, "I(experts; classes), nats",
            "", "",
            {}, {{"layer", "I", "NMI", "I / min H", "I corrected", "chance low", "chance high", "verdict"}, {}},
            ""};
  RangeChart chart{.x = view.unit};
  std::vector<std::string> sentences;
  size_t num_shuffles = 0;
  int64_t num_assignments = 0;
  for (const LayerProfile& layer : layers) {
    const Information information = information_of(*contingency_of(layer, "class"));
    const auto band = chance_band(layer.shuffled_information);
    const std::string verdict = verdict_of(information.mutual, band);
    num_assignments += layer.counts.num_assignments();
    num_shuffles = std::max(num_shuffles, layer.shuffled_information.size());
    const double none = std::numeric_limits<double>::quiet_NaN();
    const double low = band ? band->low : none, high = band ? band->high : none;
    chart.rows.push_back({layer.counts.layer, information.mutual, low, high});
    view.table.rows.push_back({layer.counts.layer, rounded(information.mutual, 6), rounded(information.normalized(), 6),
                               rounded(information.share_of_smaller()), rounded(information.corrected(), 6),
                               rounded(low), rounded(high), verdict});
    sentences.push_back(layer.counts.layer + ": I " + number(information.mutual) + " nats, NMI " +
                        number(information.normalized()) + ", " + verdict);
  }
  view.count =
      "n = " + counted(num_assignments, "assignment") + "; " +
      (num_shuffles > 0 ? "band: 95 % of " + std::to_string(num_shuffles) + " shuffles of the labels among the examples"
                        : "no shuffles were recorded");
  view.reading = listed(sentences, 8) + ".";
  view.chart = chart.table();
  return view;
}

View experts_view(const LayerProfile& layer) {
  const Contingency table = *contingency_of(layer, "class");
  const auto all = specialisations(table);
  const auto& labels = layer.group("class")->labels;
  View view{{}, "0 .. 1", "", "", {}, {{"expert", "purity", "class of purity", "1 - H(Y | e) / ln Y"}, {}}, ""};
  BarChart chart{.x = "expert", .y = "0 .. 1", .names = expert_labels(layer.experts)};
  chart.series = {{"purity"}, {"1 - H(Y | e) / ln Y"}};
  size_t purest = 0;
  for (size_t e = 0; e < all.size(); ++e) {
    chart.series[0].values.push_back(all[e].purity);
    chart.series[1].values.push_back(all[e].focus);
    const Value top = all[e].top >= 0 ? Value(labels[static_cast<size_t>(all[e].top)]) : Value();
    view.table.rows.push_back({chart.names[e], rounded(all[e].purity), top, rounded(all[e].focus)});
    if (all[e].purity > all[purest].purity) purest = e;
  }
  chart.levels = {{1 / static_cast<double>(labels.size()), "1 / classes"}};
  view.count = "n = " + counted(layer.counts.num_assignments(), "assignment");
  view.reading = all[purest].top < 0
                     ? "No expert of " + layer.counts.layer + " has assignments."
                     : "The purest is expert " + chart.names[purest] + ": " + percent(all[purest].purity) +
                           " of its assignments are of " + labels[static_cast<size_t>(all[purest].top)] + ".";
  view.chart = chart.table();
  return view;
}

View divergence_view(const LayerProfile& layer) {
  const Contingency table = *contingency_of(layer, "class");
  const auto divergence_YY = class_divergences(table);
  const auto& all_labels = layer.group("class")->labels;
  const size_t Y = all_labels.size(), shown = std::min(Y, kMostClasses);
  Heatmap map{.x = "class", .y = "class"};
  map.high = 0;
  View view{{}, "Jensen-Shannon divergence, nats", "", "", {}, {{"class", "other class", "divergence"}, {}}, ""};
  size_t one = 0, other = 0;
  for (size_t a = 0; a < Y; ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (divergence_YY[a * Y + b] > divergence_YY[one * Y + other]) one = a, other = b;
      if (a < shown) view.table.rows.push_back({all_labels[a], all_labels[b], rounded(divergence_YY[a * Y + b])});
    }
  }
  for (size_t a = 0; a < shown; ++a) {
    std::vector<double> row;
    for (size_t b = 0; b < shown; ++b) {
      row.push_back(a == b ? std::numeric_limits<double>::quiet_NaN() : divergence_YY[a * Y + b]);
      if (a != b) map.high = std::max(map.high, row.back());
    }
    map.rows.push_back(all_labels[a]);
    map.columns.push_back(all_labels[a]);
    map.values.push_back(std::move(row));
  }
  if (map.high == 0) map.high = std::log(2);
  view.count =
      "n = " + std::to_string(Y) + " classes" + (shown < Y ? ", the first " + std::to_string(shown) + " drawn" : "");
  view.reading = one == other ? "No two classes of " + layer.counts.layer + " use the experts differently."
                              : "In " + layer.counts.layer + " the experts differ most between " + all_labels[one] +
                                    " and " + all_labels[other] + ": " + number(divergence_YY[one * Y + other]) +
                                    " of at most 0.693 nats.";
  view.chart = map.table();
  return view;
}

std::optional<Panel> make_specialisation(const ReportInput& input) {
  const std::string title = "Specialisation";
  if (!input.run.routing) return not_recorded(title, "The routing", input);
  std::vector<LayerProfile> layers;
  for (const LayerProfile& layer : input.run.routing->layers) {
    if (contingency_of(layer, "class")) layers.push_back(layer);
  }
  if (layers.empty() && is_of_text(*input.run.routing)) return {};  // its tokens have no classes
  if (layers.empty()) return not_recorded(title, "The use of experts by class", input);
  Panel panel{title, {}, ""};
  panel.figures.push_back(
      figure_of("What experts say about classes", {}, [&](const auto&) { return information_view(layers); }));
  const Choice choice = layer_choice(layers);
  panel.figures.push_back(figure_of("Purity of each expert", {choice},
                                    [&](const auto& options) { return experts_view(layers[options[0]]); }));
  panel.figures.push_back(figure_of("How differently classes use the experts", {choice},
                                    [&](const auto& options) { return divergence_view(layers[options[0]]); }));
  return panel;
}

}  // namespace

PanelKind panel_kind_specialisation() {
  return {"what experts and classes say about one another, against shuffled labels", 90, make_specialisation, {}};
}

}  // namespace heterodyne
