// Token types: which experts letters, digits, punctuation and spaces get, tokens by frequency and position, and the
// symbols that an expert gets most of: N_xe / N_x, the vocabulary specialisation of Muennighoff et al. 2024. Only for
// profiles of text.
#include <algorithm>

#include "heterodyne/base/text.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/group_figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostRows = 2000, kFewestTop = 3;  // in the tables of all experts; of one expert

View top_view(const LayerProfile& layer, size_t e, size_t most) {
  const auto& all = layer.top_tokens[e];
  const size_t shown = std::min(most, all.size());
  const std::string expert = expert_label(layer.experts[e]);
  View view{{}, "N_xe / N_x, 0 .. 1", "", "", {}, {{"token", "share", "to the expert", "in all", "for example"}, {}},
            ""};
  BarChart chart{.x = "token", .y = view.unit};
  chart.series = {{"share of the token's occurrences"}};
  for (size_t i = 0; i < shown; ++i) {
    const TopToken& token = all[i];
    const double share = static_cast<double>(token.count) / static_cast<double>(token.tokens);
    chart.names.push_back(token.symbol);
    chart.series[0].values.push_back(share);
    view.table.rows.push_back({token.symbol, rounded(share), token.count, token.tokens,
                               token.before + "«" + token.shown + "»" + token.after});
  }
  const auto count = static_cast<double>(layer.counts.count_E[e]),
             tokens = static_cast<double>(layer.counts.num_tokens);
  if (tokens > 0) chart.levels = {{count / tokens, "of all tokens"}};
  view.count = "n = " + counted(static_cast<int64_t>(shown), "token") + "; only those that occur 50 times or more" +
               (shown < all.size() ? ", of " + with_commas(static_cast<int64_t>(all.size())) + " recorded" : "");
  if (shown == 0) {
    view.reading = "Expert " + expert + " of " + layer.counts.layer + " gets no token that occurs 50 times or more.";
    return view;
  }
  view.reading = "Of all tokens " + percent(tokens > 0 ? count / tokens : 0) + " go to expert " + expert + ", of \"" +
                 all[0].symbol + "\" " +
                 percent(static_cast<double>(all[0].count) / static_cast<double>(all[0].tokens)) + ".";
  view.chart = chart.table();
  return view;
}

// One view for each expert of each layer; those of layers with fewer experts than others are left out.
std::optional<Figure> top_figure(const RoutingProfile& profile) {
  std::vector<LayerProfile> layers;
  size_t num_experts = 0;
  for (const LayerProfile& layer : profile.layers) {
    if (layer.top_tokens.empty() || layer.top_tokens.size() != layer.experts.size()) continue;
    layers.push_back(layer);
    num_experts += layer.experts.size();
  }
  if (layers.empty()) return {};
  const size_t most = std::max(kFewestTop, kMostRows / num_experts);
  Choice experts{"expert", {}, 0};
  std::vector<std::pair<size_t, size_t>> places;  // layer and expert
  for (size_t l = 0; l < layers.size(); ++l) {
    for (size_t e = 0; e < layers[l].experts.size(); ++e) {
      places.emplace_back(l, e);
      const std::string label = expert_label(layers[l].experts[e]);
      experts.options.push_back(layers.size() > 1 ? layers[l].counts.layer + ", " + label : label);
    }
  }
  return figure_of("Tokens that an expert gets most of", {experts}, [&](const std::vector<size_t>& options) {
    const auto& [l, e] = places[options[0]];
    return top_view(layers[l], e, most);
  });
}

std::optional<Panel> make_token_types(const ReportInput& input) {
  if (!input.run.routing) return {};
  Panel panel{"Token types", {}, ""};
  const std::vector<std::pair<std::string, std::string>> groups = {{"token_type", "Token types"},
                                                                   {"token_symbol", "Symbols"},
                                                                   {"word_place", "Place in the word"},
                                                                   {"frequency_decile", "Frequency of the token"},
                                                                   {"position_decile", "Position"}};
  for (const auto& [name, title] : groups) {
    Figure figure = group_figure(*input.run.routing, name, title);
    if (!figure.views.empty()) panel.figures.push_back(std::move(figure));
  }
  if (auto figure = top_figure(*input.run.routing)) panel.figures.push_back(std::move(*figure));
  if (panel.figures.empty()) return {};
  return panel;
}

}  // namespace

PanelKind panel_kind_token_types() {
  return {"which experts letters, digits, punctuation and spaces get, and the tokens that each gets most of",
          60,
          make_token_types,
          {}};
}

}  // namespace heterodyne
