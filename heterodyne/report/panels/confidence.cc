// Confidence: how sure the routers are of their choices, beside untrained ones.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

// A layer and the same layer with an untrained router; null where that was not recorded.
struct TrainedRandom {
  const LayerProfile* layer;
  const Confidence* random;
};

std::vector<TrainedRandom> layers_of(const RoutingProfile& profile) {
  std::vector<TrainedRandom> all;
  for (const LayerProfile& layer : profile.layers) {
    if (!layer.confidence || layer.confidence->num_tokens == 0) continue;
    TrainedRandom sides{&layer, nullptr};
    for (const LayerProfile& other : profile.random_router) {
      const bool is_same = other.counts.layer == layer.counts.layer;
      if (is_same && other.confidence && other.confidence->num_tokens > 0) sides.random = &*other.confidence;
    }
    all.push_back(sides);
  }
  return all;
}

BarSeries histogram(const std::string& name, const std::vector<int64_t>& bins, int64_t num_tokens) {
  BarSeries series{name};
  for (const int64_t bin : bins) series.values.push_back(static_cast<double>(bin) / static_cast<double>(num_tokens));
  return series;
}

View view_of(const TrainedRandom& sides, bool is_margin) {
  const Confidence& own = *sides.layer->confidence;
  View view;
  view.unit = "share of tokens, 0 .. 1";
  view.count = "n = " + counted(own.num_tokens, "token");
  BarChart chart{.x = is_margin ? "margin p(1) - p(2)" : "entropy H(p) / ln E", .y = view.unit};
  const auto bins = [&](const Confidence& of) { return is_margin ? of.margin_bins : of.entropy_bins; };
  for (size_t bin = 0; bin < bins(own).size(); ++bin) {
    chart.names.push_back(fmt::format("{:.2f}", static_cast<double>(bin) / static_cast<double>(Confidence::kBins)));
  }
  chart.series.push_back(histogram("this router", bins(own), own.num_tokens));
  const bool has_random = sides.random && bins(*sides.random).size() == bins(own).size();
  if (has_random) chart.series.push_back(histogram("untrained router", bins(*sides.random), sides.random->num_tokens));
  view.table.columns = {"from", "tokens", "untrained router"};
  for (size_t bin = 0; bin < chart.names.size(); ++bin) {
    view.table.rows.push_back(
        {chart.names[bin], bins(own)[bin], has_random ? Value(bins(*sides.random)[bin]) : Value()});
  }
  const auto mean = [&](const Confidence& of) { return number(is_margin ? of.mean_margin() : of.mean_entropy()); };
  view.reading = "In " + sides.layer->counts.layer + " the mean is " + mean(own) +
                 (has_random ? ", with an untrained router " + mean(*sides.random) + "."
                             : "; heterodyne route --random-control shows an untrained router beside it.");
  view.chart = chart.table();
  return view;
}

Figure summary(const std::vector<TrainedRandom>& layers) {
  Rows table{{"layer", "router", "tokens", "mean entropy / ln E", "mean margin", "I(E; X), nats"}, {}};
  const auto add = [&](const std::string& layer, const std::string& router, const Confidence& of) {
    table.rows.push_back({layer, router, of.num_tokens, rounded(of.mean_entropy()), rounded(of.mean_margin()),
                          rounded(of.information())});
  };
  const TrainedRandom* surest = &layers.front();
  for (const TrainedRandom& sides : layers) {
    const Confidence& own = *sides.layer->confidence;
    add(sides.layer->counts.layer, "this router", own);
    if (sides.random) add(sides.layer->counts.layer, "untrained router", *sides.random);
    if (own.information() > surest->layer->confidence->information()) surest = &sides;
  }
  return table_figure("What a token says about its expert",
                      "I(E; X) is largest in " + surest->layer->counts.layer + ": " +
                          number(surest->layer->confidence->information()) + " nats.",
                      std::move(table));
}

std::optional<Panel> make_confidence(const ReportInput& input) {
  const std::string title = "Confidence";
  if (!input.run.routing) return not_recorded(title, "The routing", input);
  const auto layers = layers_of(*input.run.routing);
  Panel panel{title, {}, ""};
  if (layers.empty()) {
    panel.absent = "These routers have no probabilities, or none were recorded.";
    return panel;
  }
  std::vector<LayerProfile> profiles;
  for (const TrainedRandom& sides : layers) profiles.push_back(*sides.layer);
  const Choice choice = layer_choice(profiles);
  for (const bool is_margin : {false, true}) {
    panel.figures.push_back(figure_of(is_margin ? "Margin" : "Entropy", {choice},
                                      [&](const auto& options) { return view_of(layers[options[0]], is_margin); }));
  }
  panel.figures.push_back(summary(layers));
  return panel;
}

}  // namespace

PanelKind panel_kind_confidence() {
  return {"how sure the routers are of their choices, beside untrained ones", 80, make_confidence, {}};
}

}  // namespace heterodyne
