// Training curves: loss, task metric, losses on the routing, learning rate, gradient norm, experts per token, tokens
// without expert, parameters and throughput against steps.
#include <algorithm>

#include "heterodyne/base/text.h"
#include "heterodyne/layer/balancer.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

struct Curve {
  std::string kind, key, name;
  bool is_dashed = false;
};

std::string at_step(const std::pair<double, double>& point) {
  return number(point.second) + " at step " + with_commas(static_cast<int64_t>(point.first));
}

std::string reading_of(const std::string& name, const Points& points) {
  if (points.size() == 1) return name + ": " + at_step(points[0]) + ".";
  const auto is_lower = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [low, high] = std::minmax_element(points.begin(), points.end(), is_lower);
  return name + " goes from " + at_step(points.front()) + " to " + at_step(points.back()) + "; lowest " +
         at_step(*low) + ", highest " + at_step(*high) + ".";
}

std::vector<Value> table_row(const std::string& name, const Series& series) {
  const auto is_lower = [](const auto& a, const auto& b) { return a.second < b.second; };
  const Points& points = series.points;
  const auto [low, high] = std::minmax_element(points.begin(), points.end(), is_lower);
  return {name,
          rounded(points.front().second, 6),
          rounded(low->second, 6),
          rounded(high->second, 6),
          rounded(points.back().second, 6),
          static_cast<int64_t>(points.size()),
          series.num_nonfinite};
}

// The last curve that has points is what the reading tells of: validation comes after training.
View view_of(const RunRecord& run, const std::vector<Curve>& curves, const std::string& unit) {
  View view{{}, unit, "", "", {}, {{"series", "first", "lowest", "highest", "last", "n", "not finite"}, {}}, ""};
  LineChart chart{.x = "step", .y = unit};
  size_t num_points = 0, num_kept = 0;
  int64_t num_nonfinite = 0;
  for (const Curve& curve : curves) {
    const Series series = series_of(run, curve.kind, curve.key);
    num_nonfinite += series.num_nonfinite;
    if (series.points.empty()) continue;
    chart.series.push_back({curve.name, thinned(series.points, points_per_line(curves.size())), curve.is_dashed});
    num_points += series.points.size();
    num_kept += chart.series.back().points.size();
    view.reading = reading_of(curve.name, series.points);
    view.table.rows.push_back(table_row(curve.name, series));
  }
  if (chart.series.empty()) return view;
  view.count = "n = " + counted(static_cast<int64_t>(num_points), "point");
  if (num_kept < num_points) {
    view.count += ", of which " + with_commas(static_cast<int64_t>(num_kept)) +
                  " are drawn: the lowest and the highest of each bin";
  }
  if (num_nonfinite > 0) view.reading += " Not finite and left out: " + counted(num_nonfinite, "value") + ".";
  view.chart = chart.table();
  return view;
}

// "layers.0.switch_loss" and its like.
std::vector<Curve> routing_losses(const RunRecord& run) {
  std::vector<Curve> curves;
  const auto names = balancers().names();
  for (const auto& key : keys_of(run, "train")) {
    const LayerKey parts = layer_key(key);
    if (parts.name == "entropy") continue;  // of the loads; a loss of that name is written as entropy_loss
    const bool is_loss = !parts.layer.empty() && std::any_of(names.begin(), names.end(), [&](const auto& name) {
      return parts.name.starts_with(name);
    });
    if (is_loss) curves.push_back({"train", key, key});
  }
  return curves;
}

// One curve for each layer that training tells this of.
std::vector<Curve> of_each_layer(const RunRecord& run, const std::string& name) {
  std::vector<Curve> curves;
  for (const auto& key : keys_of(run, "train")) {
    const LayerKey parts = layer_key(key);
    if (!parts.layer.empty() && parts.name == name) curves.push_back({"train", key, parts.layer});
  }
  return curves;
}

// Nothing when every token always got an expert.
std::vector<Curve> unrouted_tokens(const RunRecord& run) {
  auto curves = of_each_layer(run, "unrouted");
  std::erase_if(curves, [&](const Curve& curve) {
    const Points points = series_of(run, curve.kind, curve.key).points;
    return std::all_of(points.begin(), points.end(), [](const auto& point) { return point.second == 0; });
  });
  return curves;
}

// Nothing when both stay what they are.
std::vector<Curve> parameters(const RunRecord& run) {
  std::vector<Curve> curves{{"valid", "params", "in all"}, {"valid", "params.active", "active, of an average token"}};
  const bool is_fixed = std::all_of(curves.begin(), curves.end(), [&](const Curve& curve) {
    const Points points = series_of(run, curve.kind, curve.key).points;
    return std::all_of(points.begin(), points.end(),
                       [&](const auto& point) { return point.second == points[0].second; });
  });
  return is_fixed ? std::vector<Curve>{} : curves;
}

std::optional<Panel> make_training(const ReportInput& input) {
  const RunRecord& run = input.run;
  if (run.metrics.empty() && run.config.empty() && run.routing) return {};  // a profile alone, no run
  Panel panel{"Training curves", {}, ""};
  const auto add = [&](const std::string& title, const std::string& unit, const std::vector<Curve>& curves) {
    View view = view_of(run, curves, unit);
    if (!view.chart.empty()) panel.figures.push_back({title, {}, {std::move(view)}});
  };
  add("Loss", "loss, nats",
      {{"train", "loss", "train, all losses", true}, {"train", "task", "train"}, {"valid", "loss", "valid"}});
  add("Accuracy", "share of examples, 0 .. 1", {{"train", "accuracy", "train"}, {"valid", "accuracy", "valid"}});
  add("Two classes", "0 .. 1, of Matthews -1 .. 1",
      {{"valid", "positive_f1", "F1 of the second class"}, {"valid", "matthews", "Matthews"}});
  add("Correlation", "-1 .. 1", {{"valid", "pearson", "Pearson"}, {"valid", "spearman", "Spearman"}});
  add("Losses on the routing", "weighted loss", routing_losses(run));
  add("Learning rate", "learning rate", {{"train", "lr", "learning rate"}});
  add("Gradient norm", "2-norm before clipping", {{"train", "grad_norm", "gradient norm"}});
  add("Experts per token", "assignments per token", of_each_layer(run, "k"));
  add("Tokens without expert", "share of tokens, 0 .. 1", unrouted_tokens(run));
  add("Parameters", "parameters", parameters(run));
  add("Throughput", "examples per second", {{"train", "examples_per_s", "examples per second"}});
  if (panel.figures.empty())
    panel.absent = "metrics.jsonl has no line yet. Training writes one every train.log_every steps.";
  return panel;
}

}  // namespace

PanelKind panel_kind_training() {
  return {"loss, task metric, learning rate, gradient norm, experts per token and throughput", 10, make_training, {}};
}

}  // namespace heterodyne
