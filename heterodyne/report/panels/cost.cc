// Cost: MACs of the assignments alone, those really executed and those of all experts on all tokens; parameters in all
// and in use; how long a pass took.
#include <algorithm>
#include <cmath>

#include "heterodyne/base/text.h"
#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

// Parameters that an average token meets: all but the experts', and of those each as often as it is chosen.
double active_params(const RoutingProfile& profile) {
  auto active = static_cast<double>(profile.cost.routed.params);
  for (const LayerProfile& layer : profile.layers) {
    for (size_t e = 0; e < layer.experts.size() && e < layer.counts.count_E.size(); ++e) {
      const double use = layer.counts.num_tokens > 0 ? static_cast<double>(layer.counts.count_E[e]) /
                                                           static_cast<double>(layer.counts.num_tokens)
                                                     : 0;
      active -= (1 - use) * static_cast<double>(layer.experts[e].params);
    }
  }
  return active;
}

// 0 when not known.
double tokens_per_example(const RoutingProfile& profile) {
  if (profile.layers.empty() || profile.num_examples <= 0) return 0;
  return static_cast<double>(profile.layers.front().counts.num_tokens) / static_cast<double>(profile.num_examples);
}

View work_of(const RoutingProfile& profile) {
  const double routed = profile.cost.routed.macs, executed = profile.cost.executed.macs;
  View view{
      {}, "MACs of one example", "", "", {}, {{"work", "MACs of one example", "of one token", "against routed"}, {}},
      ""};
  const double tokens = tokens_per_example(profile);
  BarChart chart{.x = "work", .y = view.unit};
  chart.series = {{"MACs"}};
  const std::pair<const char*, double> bars[] = {
      {"routed", routed}, {"executed", executed}, {"every expert on every token", profile.dense_macs}};
  for (const auto& [name, macs] : bars) {
    chart.names.push_back(name);
    chart.series[0].values.push_back(macs);
    view.table.rows.push_back({name, rounded(macs, 6), tokens > 0 ? rounded(macs / tokens, 6) : Value(),
                               routed > 0 ? rounded(macs / routed) : Value()});
  }
  view.count = "n = " + counted(profile.num_examples, "example");
  view.reading = "The assignments alone need " + short_number(routed) + " MACs an example, executed were " +
                 short_number(executed) + (routed > 0 ? " (x" + number(executed / routed) + ")" : "");
  if (profile.dense_macs > 0) {
    view.reading += "; every expert on every token would take " + short_number(profile.dense_macs);
  }
  view.reading += ".";
  if (profile.latency.empty()) view.reading += " heterodyne route --latency measures how long a pass takes.";
  view.chart = chart.table();
  return view;
}

View parameters_of(const RoutingProfile& profile) {
  const auto total = static_cast<double>(profile.cost.routed.params);
  const double active = active_params(profile);
  BarChart chart{
      .x = "parameters", .y = "parameters", .names = {"in all", "active"}, .series = {{"parameters", {total, active}}}};
  View view{{}, "parameters", "", "", chart.table(), {{"parameters", "number", "share"}, {}}, ""};
  view.table.rows = {{"in all", profile.cost.routed.params, 1},
                     {"active, of an average token", static_cast<int64_t>(std::llround(active)),
                      total > 0 ? rounded(active / total) : Value()}};
  view.count = "n = " + counted(static_cast<int64_t>(profile.layers.size()), "MoE layer");
  view.reading = "An average token meets " + with_commas(std::llround(active)) + " of " +
                 counted(profile.cost.routed.params, "parameter") +
                 (total > 0 ? " (" + percent(active / total) + ")." : ".");
  return view;
}

View experts_of(const LayerProfile& layer) {
  View view{
      {}, "share of the experts' MACs, 0 .. 1",
      "", "",
      {}, {{"expert", "kind", "params", "MACs of one assignment", "assignments", "share of the experts' MACs"}, {}},
      ""};
  BarChart chart{.x = "expert", .y = view.unit, .names = expert_labels(layer.experts)};
  chart.series = {{"MACs"}};
  std::vector<double> macs_E;
  double sum = 0;
  for (size_t e = 0; e < layer.experts.size(); ++e) {
    macs_E.push_back(static_cast<double>(layer.counts.count_E[e]) * layer.experts[e].macs);
    sum += macs_E.back();
  }
  size_t dearest = 0;
  for (size_t e = 0; e < layer.experts.size(); ++e) {
    const ExpertFacts& expert = layer.experts[e];
    const double share = sum > 0 ? macs_E[e] / sum : 0;
    chart.series[0].values.push_back(share);
    view.table.rows.push_back(
        {chart.names[e], expert.kind, expert.params, rounded(expert.macs, 6), layer.counts.count_E[e], rounded(share)});
    if (macs_E[e] > macs_E[dearest]) dearest = e;
  }
  view.count = "n = " + counted(layer.counts.num_assignments(), "assignment");
  view.reading = sum > 0 ? "Expert " + chart.names[dearest] + " does " + percent(macs_E[dearest] / sum) +
                               " of the experts' routed work in " + layer.counts.layer + "."
                         : "The experts of " + layer.counts.layer + " did no work.";
  view.chart = chart.table();
  return view;
}

// Examples per second over the lines of training.
std::optional<Figure> speed(const RunRecord& run) {
  std::vector<double> values;
  for (const auto& point : series_of(run, "train", "examples_per_s").points) values.push_back(point.second);
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return table_figure("Throughput in training",
                      "Half of the lines say at least " + number(at(0.5)) + " examples per second, 95 % at least " +
                          number(at(0.05)) + ".",
                      {{"examples per second", "value"},
                       {{"5 % of the lines below", rounded(at(0.05))},
                        {"median", rounded(at(0.5))},
                        {"5 % above", rounded(at(0.95))}}});
}

std::optional<Figure> latency(const RoutingProfile& profile) {
  if (profile.latency.empty()) return {};
  Rows table{{"examples at once", "passes", "threads", "p50, ms", "p95, ms", "p50 of an example, ms"}, {}};
  std::vector<std::string> sentences;
  for (const Latency& one : profile.latency) {
    const double each = one.batch > 0 ? one.p50_ms / static_cast<double>(one.batch) : 0;
    table.rows.push_back(
        {one.batch, one.num_passes, one.threads, rounded(one.p50_ms), rounded(one.p95_ms), rounded(each)});
    sentences.push_back("half of the passes over " + counted(one.batch, "example") + " took at most " +
                        number(one.p50_ms) + " ms, 95 % at most " + number(one.p95_ms) + " ms");
  }
  std::string reading = listed(sentences) + ".";
  reading.front() = 'H';
  return table_figure("Latency of a forward pass", reading, std::move(table));
}

std::optional<Panel> make_cost(const ReportInput& input) {
  Panel panel{"Cost", {}, ""};
  if (input.run.routing) {
    const RoutingProfile& profile = *input.run.routing;
    panel.figures.push_back(figure_of("Work", {}, [&](const auto&) { return work_of(profile); }));
    panel.figures.push_back(figure_of("Parameters", {}, [&](const auto&) { return parameters_of(profile); }));
    if (!profile.layers.empty()) {
      panel.figures.push_back(figure_of("Work of each expert", {layer_choice(profile.layers)},
                                        [&](const auto& options) { return experts_of(profile.layers[options[0]]); }));
    }
  }
  if (input.run.routing) {
    if (auto figure = latency(*input.run.routing)) panel.figures.push_back(std::move(*figure));
  }
  if (auto figure = speed(input.run)) panel.figures.push_back(std::move(*figure));
  if (panel.figures.empty()) return not_recorded(panel.title, "The routing", input);
  return panel;
}

}  // namespace

PanelKind panel_kind_cost() {
  return {"MACs routed, executed and dense, parameters in all and active, latency", 110, make_cost, {}};
}

}  // namespace heterodyne
