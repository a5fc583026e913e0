// Co-activation: which experts are given to the same tokens (Muennighoff et al. 2024, OLMoE, section 5.2).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "heterodyne/eval/information.h"
#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostCoActive = 16;       // rows of a picture
constexpr size_t kMostCoActivePairs = 20;  // rows of a table

bool has_pairs(const LayerProfile& layer) {
  const size_t E = layer.counts.count_E.size();
  if (layer.pair_EE.size() != E * E || layer.experts.size() != E) return false;
  for (size_t k = 2; k < layer.k_histogram.size(); ++k) {
    if (layer.k_histogram[k] > 0) return true;
  }
  return false;
}

// The experts with the most tokens, in their order.
std::vector<size_t> shown_experts(const LayerProfile& layer) {
  std::vector<size_t> order(layer.experts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order.size() <= kMostCoActive) return order;
  const auto& count_E = layer.counts.count_E;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return count_E[a] > count_E[b]; });
  order.resize(kMostCoActive);
  std::sort(order.begin(), order.end());
  return order;
}

struct ExpertPair {
  size_t one = 0, other = 0;
  double value = 0;
};

std::vector<ExpertPair> pairs_of(const std::vector<double>& value_EE, const LayerProfile& layer, bool is_symmetric) {
  const size_t E = layer.experts.size();
  std::vector<ExpertPair> pairs;
  for (size_t i = 0; i < E; ++i) {
    for (size_t j = is_symmetric ? i + 1 : 0; j < E; ++j) {
      const bool has_both = layer.pair_EE[i * E + i] > 0 && layer.pair_EE[j * E + j] > 0;
      if (i != j && has_both) pairs.push_back({i, j, value_EE[i * E + j]});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const ExpertPair& a, const ExpertPair& b) { return a.value > b.value; });
  return pairs;
}

View view_of(const LayerProfile& layer, bool is_lift) {
  const size_t E = layer.experts.size();
  const PairCounts counts{static_cast<int64_t>(E), layer.pair_EE};
  const auto value_EE = is_lift ? co_activation_lift(counts, layer.counts.num_tokens) : co_activation(counts);
  const auto pairs = pairs_of(value_EE, layer, is_lift);
  const auto shown = shown_experts(layer);
  const auto label = [&](size_t e) { return expert_label(layer.experts[e]); };
  Heatmap map{.x = "also got", .y = "of the tokens of"};
  map.high = is_lift ? 2 : 0;
  map.scale = is_lift ? "diverging" : "linear";
  for (const size_t i : shown) {
    std::vector<double> row;
    for (const size_t j : shown) {
      const bool is_blank = i == j || layer.pair_EE[i * E + i] == 0 || layer.pair_EE[j * E + j] == 0;
      row.push_back(is_blank ? std::numeric_limits<double>::quiet_NaN()
                             : std::round(1000 * value_EE[i * E + j]) / 1000);
      if (!is_blank) map.high = std::max(map.high, row.back());
    }
    map.columns.push_back(label(i));
    map.rows.push_back(label(i));
    map.values.push_back(std::move(row));
  }
  if (map.high == 0) map.high = 1;
  View view;
  view.unit = is_lift ? "N_ij N / (N_i N_j); 1 is as often as independent choices would meet" : "N_ij / N_i, 0 .. 1";
  view.count = "n = " + counted(layer.counts.num_tokens, "token");
  if (shown.size() < E)
    view.count += "; the " + std::to_string(shown.size()) + " most used of " + std::to_string(E) + " experts";
  if (pairs.empty()) {
    view.reading = "No two experts of " + layer.counts.layer + " have tokens.";
  } else {
    const ExpertPair& top = pairs.front();
    view.reading = is_lift ? "Experts " + label(top.one) + " and " + label(top.other) + " meet " + number(top.value) +
                                 " times as often as independent choices would, the most of all pairs."
                           : "Of the tokens of expert " + label(top.one) + ", " + percent(top.value) +
                                 " also get expert " + label(top.other) + ", the largest share.";
  }
  view.table.columns = {"expert", "also got", "tokens with both", is_lift ? "lift" : "share"};
  for (size_t p = 0; p < std::min(pairs.size(), kMostCoActivePairs); ++p) {
    view.table.rows.push_back({label(pairs[p].one), label(pairs[p].other),
                               layer.pair_EE[pairs[p].one * E + pairs[p].other], rounded(pairs[p].value)});
  }
  view.chart = map.table();
  return view;
}

std::optional<Panel> make_co_activation(const ReportInput& input) {
  const std::string title = "Co-activation";
  if (!input.run.routing) return not_recorded(title, "The routing", input);
  std::vector<LayerProfile> layers;
  for (const LayerProfile& layer : input.run.routing->layers) {
    if (has_pairs(layer)) layers.push_back(layer);
  }
  Panel panel{title, {}, ""};
  if (layers.empty()) {
    panel.absent = "No token gets two experts, so no two experts meet.";
    return panel;
  }
  panel.figures.push_back(figure_of("Experts that meet", {layer_choice(layers), {"value", {"share", "lift"}, 0}},
                                    [&](const auto& options) { return view_of(layers[options[0]], options[1] == 1); }));
  return panel;
}

}  // namespace

PanelKind panel_kind_co_activation() {
  return {
      "which experts are given to the same tokens, and how much more often than by chance", 50, make_co_activation, {}};
}

}  // namespace heterodyne
