// Modalities: which experts the tokens of images and of texts get, what modality and expert say about one another, and
// the same with modalities dealt out anew among the tokens of each example. Only for networks of several modalities.
#include <algorithm>
#include <limits>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/group_figure.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

// A row for each layer.
View modality_view(const std::vector<LayerProfile>& layers) {
  View view{{}, "I(experts; modality), nats",
            "", "",
            {}, {{"layer", "I", "NMI", "divergence", "shuffled low", "shuffled high", "verdict"}, {}},
            ""};
  RangeChart chart{.x = view.unit};
  std::vector<std::string> sentences;
  size_t num_shuffles = 0;
  for (const LayerProfile& layer : layers) {
    const Contingency table = *contingency_of(layer, "modality");
    const Information information = information_of(table);
    const auto& shuffled = layer.group("modality")->shuffled_information;
    const auto band = chance_band(shuffled);
    const double none = std::numeric_limits<double>::quiet_NaN();
    const double low = band ? band->low : none, high = band ? band->high : none, apart = class_divergence(table);
    const std::string verdict = !band                                      ? "not shuffled"
                                : band->is_exceeded_by(information.mutual) ? "beyond chance"
                                                                           : "not distinguishable from chance";
    num_shuffles = std::max(num_shuffles, shuffled.size());
    chart.rows.push_back({layer.counts.layer, information.mutual, low, high});
    view.table.rows.push_back({layer.counts.layer, rounded(information.mutual, 6), rounded(information.normalized(), 6),
                               rounded(apart, 6), rounded(low), rounded(high), verdict});
    sentences.push_back(layer.counts.layer + ": I " + number(information.mutual) + " nats, divergence " +
                        number(apart) + ", " + verdict);
  }
  view.count = "n = " + counted(static_cast<int64_t>(layers.size()), "layer") + "; band: 95 % of " +
               std::to_string(num_shuffles) + " times that modalities were dealt out anew in each example";
  view.reading = listed(sentences, 8) + ".";
  view.chart = chart.table();
  return view;
}

std::optional<Panel> make_modalities(const ReportInput& input) {
  if (!input.run.routing) return {};
  std::vector<LayerProfile> layers;
  for (const LayerProfile& layer : input.run.routing->layers) {
    if (contingency_of(layer, "modality")) layers.push_back(layer);
  }
  if (layers.empty()) return {};
  Panel panel{"Modalities", {}, ""};
  panel.figures.push_back(
      figure_of("What experts say about modalities", {}, [&](const auto&) { return modality_view(layers); }));
  panel.figures.push_back(group_figure(*input.run.routing, "modality", "Experts of each modality"));
  return panel;
}

}  // namespace

PanelKind panel_kind_modalities() {
  return {"which experts the tokens of images and of texts get, against shuffled modalities", 45, make_modalities, {}};
}

}  // namespace heterodyne
