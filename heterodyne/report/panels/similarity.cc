// Similarity: how alike the experts' outputs are on the same tokens, by linear centred kernel alignment.
#include <algorithm>
#include <limits>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostSimilar = 16;       // rows of a picture
constexpr size_t kMostSimilarPairs = 20;  // rows of a table

struct SimilarPair {
  size_t one = 0, other = 0;
  double cka = 0;
};

View view_of(const LayerProfile& layer) {
  const auto& cka_EE = layer.similarity->cka_EE;
  const size_t E = layer.experts.size(), shown = std::min(E, kMostSimilar);
  const auto labels = expert_labels(layer.experts);
  Heatmap map{.x = "expert", .y = "expert"};
  for (size_t i = 0; i < shown; ++i) {
    std::vector<double> row;
    for (size_t j = 0; j < shown; ++j) {
      row.push_back(i == j ? std::numeric_limits<double>::quiet_NaN() : cka_EE[i * E + j]);
      if (row.back() < map.low) map.low = row.back();  // a debiased estimate may be negative
    }
    map.columns.push_back(labels[i]);
    map.rows.push_back(labels[i]);
    map.values.push_back(std::move(row));
  }
  std::vector<SimilarPair> pairs;
  for (size_t i = 0; i < E; ++i) {
    for (size_t j = i + 1; j < E; ++j) {
      if (cka_EE[i * E + j] == cka_EE[i * E + j]) pairs.push_back({i, j, cka_EE[i * E + j]});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const SimilarPair& a, const SimilarPair& b) { return a.cka > b.cka; });
  View view{
      {}, "linear CKA; 1 is the same up to rotation and scale", "", "", {}, {{"expert", "other expert", "CKA"}, {}},
      ""};
  for (size_t p = 0; p < std::min(pairs.size(), kMostSimilarPairs); ++p) {
    view.table.rows.push_back({labels[pairs[p].one], labels[pairs[p].other], rounded(pairs[p].cka)});
  }
  view.count =
      "n = " + counted(layer.similarity->num_tokens, "token") + (layer.similarity->is_debiased ? ", debiased" : "");
  if (shown < E) view.count += "; the first " + std::to_string(shown) + " of " + std::to_string(E) + " experts drawn";
  view.reading = pairs.empty() ? layer.counts.layer + " has no two experts to compare."
                               : "Most alike are experts " + labels[pairs[0].one] + " and " + labels[pairs[0].other] +
                                     ": CKA " + number(pairs[0].cka) + ".";
  view.chart = map.table();
  return view;
}

std::optional<Panel> make_similarity(const ReportInput& input) {
  const std::string title = "Similarity";
  std::vector<LayerProfile> layers;
  if (input.run.routing) {
    for (const LayerProfile& layer : input.run.routing->layers) {
      const size_t E = layer.experts.size();
      if (layer.similarity && layer.similarity->cka_EE.size() == E * E) layers.push_back(layer);
    }
  }
  if (layers.empty()) return not_recorded(title, "How alike the experts are", input, "--similarity");
  Panel panel{title, {}, ""};
  panel.figures.push_back(figure_of("Likeness of outputs", {layer_choice(layers)},
                                    [&](const auto& options) { return view_of(layers[options[0]]); }));
  return panel;
}

}  // namespace

PanelKind panel_kind_similarity() {
  return {"how alike the experts' outputs are on the same tokens", 130, make_similarity, {}};
}

}  // namespace heterodyne
