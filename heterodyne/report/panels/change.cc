// Change: how the use of experts differs between two profiles, such as before and after fine-tuning.
#include <algorithm>
#include <cmath>
#include <map>

#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/group_figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/matching.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

struct BeforeAfter {
  const LayerProfile& before;
  const LayerProfile& after;
  ExpertMatch match;
};

std::vector<BeforeAfter> layers_of(const RoutingProfile& before, const RoutingProfile& after) {
  std::vector<BeforeAfter> all;
  for (const LayerProfile& one : before.layers) {
    for (const LayerProfile& other : after.layers) {
      if (one.counts.layer == other.counts.layer) all.push_back({one, other, match_experts(one, other)});
    }
  }
  return all;
}

// Labels of the experts that have a counterpart, "3 vit", or "3 vit -> 5 vit".
std::string label_of(const BeforeAfter& sides, size_t e) {
  const std::string one = expert_label(sides.before.experts[e]);
  const std::string other = expert_label(sides.after.experts[static_cast<size_t>(sides.match.after_of[e])]);
  return one == other ? one : one + " -> " + other;
}

std::vector<size_t> matched(const BeforeAfter& sides) {
  std::vector<size_t> positions;
  for (size_t e = 0; e < sides.match.after_of.size(); ++e) {
    if (sides.match.after_of[e] >= 0) positions.push_back(e);
  }
  return positions;
}

double share_of(const LayerProfile& layer, size_t e) {
  const int64_t sum = layer.counts.num_assignments();
  return sum > 0 ? static_cast<double>(layer.counts.count_E[e]) / static_cast<double>(sum) : 0;
}

View load_view(const BeforeAfter& sides) {
  View view{{}, "share of assignments, 0 .. 1", "", "", {}, {{"expert", "before", "after", "change"}, {}}, ""};
  BarChart chart{.x = "expert", .y = view.unit};
  chart.series = {{"before"}, {"after"}};
  double moved = 0, left = sides.before.counts.num_assignments() > 0 ? 1 : 0,
         right = sides.after.counts.num_assignments() > 0 ? 1 : 0;  // shares of those without a counterpart
  for (const size_t e : matched(sides)) {
    const double one = share_of(sides.before, e);
    const double other = share_of(sides.after, static_cast<size_t>(sides.match.after_of[e]));
    chart.names.push_back(label_of(sides, e));
    chart.series[0].values.push_back(one);
    chart.series[1].values.push_back(other);
    view.table.rows.push_back({chart.names.back(), rounded(one), rounded(other), rounded(other - one)});
    moved += std::abs(other - one) / 2;
    left -= one;
    right -= other;
  }
  moved += (left + right) / 2;  // of experts that went, and of those that came
  view.count = "n = " + std::to_string(chart.names.size()) + " experts, matched by " + sides.match.rule();
  view.reading = percent(moved) + " of the assignments of " + sides.before.counts.layer + " went to other experts.";
  view.chart = chart.table();
  return view;
}

bool has_same_classes(const BeforeAfter& sides) {
  return contingency_of(sides.before, "class") && contingency_of(sides.after, "class") &&
         sides.before.group("class")->labels == sides.after.group("class")->labels;
}

View class_view(const BeforeAfter& sides) {
  const Contingency one = *contingency_of(sides.before, "class"), other = *contingency_of(sides.after, "class");
  const auto one_EY = expert_given_class(one), other_EY = expert_given_class(other);
  const auto& labels = sides.before.group("class")->labels;
  Heatmap map{.x = "expert", .y = "class"};
  map.scale = "diverging";
  map.middle = 0;
  for (const size_t e : matched(sides)) map.columns.push_back(label_of(sides, e));
  View view{{}, "P(expert | class) after less before", "", "", {}, {}, ""};
  std::string where = "nothing";
  double farthest = 0;
  for (int64_t y = 0; y < one.num_classes; ++y) {
    std::vector<double> row;
    for (const size_t e : matched(sides)) {
      const double change =
          other_EY[other.index(sides.match.after_of[e], y)] - one_EY[one.index(static_cast<int64_t>(e), y)];
      if (std::abs(change) > std::abs(farthest)) {
        farthest = change;
        where = labels[static_cast<size_t>(y)] + " to expert " + map.columns[row.size()];
      }
      row.push_back(change);
    }
    map.rows.push_back(labels[static_cast<size_t>(y)]);
    map.values.push_back(std::move(row));
  }
  map.high = farthest == 0 ? 1 : std::abs(farthest);
  map.low = -map.high;
  view.table = heatmap_table(map, "class", 0);
  view.count = "n = " + std::to_string(one.num_classes) + " classes";
  view.reading = farthest == 0
                     ? "No class uses the experts of " + sides.before.counts.layer + " differently."
                     : "The share of " + where + " changed the most: by " + number(100 * farthest) + " points.";
  view.chart = map.table();
  return view;
}

// Mean over the sampled tokens of |S and S'| / max(|S|, |S'|), S' in the ids of `before`; 1 for a token without experts
// on both sides. With as many experts for each token it is OLMoE's router saturation.
std::optional<double> saturation(const BeforeAfter& sides) {
  const RoutingSample &one = sides.before.sample, &other = sides.after.sample;
  if (one.num_choices < 1 || other.num_choices < 1 || one.id_TK.empty()) return {};
  const size_t T = one.id_TK.size() / static_cast<size_t>(one.num_choices);
  if (T != other.id_TK.size() / static_cast<size_t>(other.num_choices)) return {};
  std::map<int64_t, int64_t> after_of;  // ids
  for (const size_t e : matched(sides)) {
    after_of[sides.before.experts[e].id] = sides.after.experts[static_cast<size_t>(sides.match.after_of[e])].id;
  }
  const auto chosen = [](const RoutingSample& sample, size_t t) {
    std::vector<int64_t> ids;
    for (int64_t k = 0; k < sample.num_choices; ++k) {
      const int64_t id = sample.id_TK[t * static_cast<size_t>(sample.num_choices) + static_cast<size_t>(k)];
      if (id >= 0) ids.push_back(id);
    }
    return ids;
  };
  double sum = 0;
  for (size_t t = 0; t < T; ++t) {
    const auto first = chosen(one, t), second = chosen(other, t);
    const auto num_same = std::count_if(first.begin(), first.end(), [&](int64_t id) {
      const auto found = after_of.find(id);
      return found != after_of.end() && std::find(second.begin(), second.end(), found->second) != second.end();
    });
    const size_t most = std::max(first.size(), second.size());
    sum += most == 0 ? 1 : static_cast<double>(num_same) / static_cast<double>(most);
  }
  return sum / static_cast<double>(T);
}

bool has_same_tokens(const RoutingProfile& before, const RoutingProfile& after) {
  for (const char* key : {"data", "split"}) {
    const Value *one = before.about.find(key), *other = after.about.find(key);
    if (one && other && !(*one == *other)) return false;
  }
  return before.num_examples == after.num_examples;
}

std::optional<Figure> saturation_figure(const std::vector<BeforeAfter>& layers) {
  BarChart chart{.x = "layer", .y = "share of equal choices, 0 .. 1"};
  chart.series = {{"saturation"}};
  View view{{}, chart.y, "", "", {}, {{"layer", "saturation", "sampled tokens"}, {}}, ""};
  std::vector<std::string> sentences;
  int64_t num_tokens = 0;
  for (const BeforeAfter& sides : layers) {
    const auto value = saturation(sides);
    if (!value) continue;
    num_tokens = static_cast<int64_t>(sides.before.sample.id_TK.size()) / sides.before.sample.num_choices;
    chart.names.push_back(sides.before.counts.layer);
    chart.series[0].values.push_back(*value);
    view.table.rows.push_back({sides.before.counts.layer, rounded(*value), num_tokens});
    sentences.push_back(percent(*value) + " in " + sides.before.counts.layer);
  }
  if (chart.names.empty()) return {};
  view.count = "n = " + counted(num_tokens, "token") + " of each layer";
  view.reading = "Tokens keep their experts: " + listed(sentences) + ".";
  view.chart = chart.table();
  return Figure{"Choices that stayed", {}, {std::move(view)}};
}

std::optional<Panel> make_change(const ReportInput& input) {
  if (!input.before) return {};
  Panel panel{"Change", {}, ""};
  if (!input.before->routing || !input.run.routing) {
    const RunRecord& missing = input.before->routing ? input.run : *input.before;
    panel.absent =
        "The routing of " + missing.name + " was not recorded. This records it: heterodyne route " + model_of(missing);
    return panel;
  }
  const auto layers = layers_of(*input.before->routing, *input.run.routing);
  if (layers.empty()) {
    panel.absent = "The two have no layer in common.";
    return panel;
  }
  std::vector<LayerProfile> profiles, with_classes;
  std::vector<BeforeAfter> class_sides;
  for (const BeforeAfter& sides : layers) {
    profiles.push_back(sides.after);
    if (!has_same_classes(sides)) continue;
    class_sides.push_back(sides);
    with_classes.push_back(sides.after);
  }
  panel.figures.push_back(figure_of("Load before and after", {layer_choice(profiles)},
                                    [&](const auto& options) { return load_view(layers[options[0]]); }));
  if (!class_sides.empty()) {
    panel.figures.push_back(figure_of("Change by class", {layer_choice(with_classes)},
                                      [&](const auto& options) { return class_view(class_sides[options[0]]); }));
  }
  if (has_same_tokens(*input.before->routing, *input.run.routing)) {
    if (auto figure = saturation_figure(layers)) panel.figures.push_back(std::move(*figure));
  }
  return panel;
}

}  // namespace

PanelKind panel_kind_change() { return {"how the use of experts differs between two inputs", 140, make_change, {}}; }

}  // namespace heterodyne
