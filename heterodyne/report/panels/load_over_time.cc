// Load over time: each expert's share of its layer's assignments, or of their MACs, while the run trained.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "heterodyne/base/text.h"
#include "heterodyne/report/chart.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kMostLines = 16;  // more can no longer be told apart

struct Line {
  std::string name;
  Points points;
  double farthest = 0;  // from an even share
};

const LayerLives& lives_of(const std::vector<LayerLives>& all, const std::string& layer) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& lives) { return lives.layer == layer; });
}

// MACs of one assignment by expert id, as far as they are recorded.
std::map<int64_t, ExpertFacts> facts_of(const ReportInput& input, const std::string& layer) {
  std::map<int64_t, ExpertFacts> facts;
  if (!input.run.routing) return facts;
  for (const LayerProfile& profile : input.run.routing->layers) {
    if (profile.counts.layer != layer) continue;
    for (const ExpertFacts& expert : profile.experts) facts[expert.id] = expert;
  }
  return facts;
}

std::vector<Line> lines_of(const LoadHistory& history, const LayerLives& lives, const std::vector<double>& weight_E) {
  const size_t E = history.id_E.size();
  std::vector<Line> lines(E);
  for (size_t t = 0; t < history.step_T.size(); ++t) {
    const int64_t step = history.step_T[t];
    double sum = 0;
    for (size_t e = 0; e < E; ++e) sum += weight_E[e] * static_cast<double>(history.count_TE[t * E + e]);
    const double even = 1 / static_cast<double>(std::max<int64_t>(lives.num_active(step), 1));
    for (size_t e = 0; e < E && sum > 0; ++e) {
      const auto life = std::find_if(lives.experts.begin(), lives.experts.end(),
                                     [&](const Life& one) { return one.id == history.id_E[e]; });
      if (life->born >= step || (!life->is_alive && life->end < step)) continue;
      const double share = weight_E[e] * static_cast<double>(history.count_TE[t * E + e]) / sum;
      lines[e].points.emplace_back(static_cast<double>(step), share);
      lines[e].farthest = std::max(lines[e].farthest, std::abs(share - even));
    }
  }
  return lines;
}

// The lines farthest from an even share, in the order of their experts.
std::vector<size_t> drawn(const std::vector<Line>& lines) {
  std::vector<size_t> order(lines.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order.size() <= kMostLines) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lines[a].farthest > lines[b].farthest; });
  order.resize(kMostLines);
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<Mark> marks_of(const ReportInput& input, const std::string& layer) {
  std::vector<Mark> marks;
  for (const Table& event : input.run.events) {
    if (layer_of_event(event) != layer) continue;
    marks.push_back({static_cast<double>(integer_or(event, "step", 0)),
                     text_or_empty(event, "event") + " " + std::to_string(integer_or(event, "id", 0))});
  }
  return marks;
}

Rows table_of(const std::vector<Line>& lines) {
  Rows table{{"expert", "first", "lowest", "highest", "last"}, {}};
  const auto is_lower = [](const auto& a, const auto& b) { return a.second < b.second; };
  for (const Line& line : lines) {
    if (line.points.empty()) continue;
    const auto [low, high] = std::minmax_element(line.points.begin(), line.points.end(), is_lower);
    table.rows.push_back({line.name, rounded(line.points.front().second), rounded(low->second), rounded(high->second),
                          rounded(line.points.back().second)});
  }
  return table;
}

std::string reading_of(const std::vector<Line>& lines, double last_step) {
  const Line *least = nullptr, *most = nullptr;
  int64_t num_last = 0;
  for (const Line& line : lines) {
    if (line.points.empty() || line.points.back().first < last_step) continue;
    ++num_last;
    if (!least || line.points.back().second < least->points.back().second) least = &line;
    if (!most || line.points.back().second > most->points.back().second) most = &line;
  }
  if (least == nullptr) return "Nothing was assigned at the latest step.";
  return "At step " + with_commas(static_cast<int64_t>(last_step)) + " the shares go from " +
         percent(least->points.back().second) + " (expert " + least->name + ") to " +
         percent(most->points.back().second) + " (expert " + most->name + "); even is " +
         percent(1 / static_cast<double>(num_last)) + ".";
}

// Weighs each expert by its MACs. Returns why shares of MACs are not shown, or nothing.
std::string set_macs(const LoadHistory& history, const std::map<int64_t, ExpertFacts>& facts,
                     std::vector<double>& weight_E) {
  for (size_t e = 0; e < weight_E.size(); ++e) {
    const auto known = facts.find(history.id_E[e]);
    if (known == facts.end()) {
      return "The MACs of expert " + std::to_string(history.id_E[e]) +
             " are not recorded, so shares of MACs are not known.";
    }
    weight_E[e] = known->second.macs;
  }
  const bool are_equal = std::adjacent_find(weight_E.begin(), weight_E.end(), std::not_equal_to<>()) == weight_E.end();
  return are_equal ? "All experts of " + history.layer + " cost the same, so shares of MACs are those of tokens." : "";
}

View view_of(const ReportInput& input, const LoadHistory& history, const LayerLives& lives, bool by_macs) {
  View view;
  view.unit = std::string("share of ") + (by_macs ? "the experts' MACs" : "assignments") + ", 0 .. 1";
  const auto facts = facts_of(input, history.layer);
  std::vector<double> weight_E(history.id_E.size(), 1);
  if (by_macs) {
    view.reading = set_macs(history, facts, weight_E);
    if (!view.reading.empty()) return view;
  }
  std::vector<Line> lines = lines_of(history, lives, weight_E);
  for (size_t e = 0; e < lines.size(); ++e) {
    const auto known = facts.find(history.id_E[e]);
    lines[e].name = known == facts.end() ? std::to_string(history.id_E[e]) : expert_label(known->second);
  }
  LineChart chart{.x = "step", .y = view.unit, .marks = marks_of(input, history.layer)};
  const auto shown = drawn(lines);
  const size_t num_lines = 2 * input.loads.size() * shown.size();
  for (const size_t e : shown)
    chart.series.push_back({lines[e].name, thinned(lines[e].points, points_per_line(num_lines))});
  const auto last = static_cast<double>(history.step_T.back());
  chart.levels = {{1 / static_cast<double>(std::max<int64_t>(lives.num_active(history.step_T.back()), 1)), "even"}};
  view.chart = chart.table();
  view.table = table_of(lines);
  view.count =
      "n = " + counted(std::accumulate(history.count_TE.begin(), history.count_TE.end(), int64_t{0}), "assignment") +
      " at " + counted(static_cast<int64_t>(history.step_T.size()), "time");
  if (history.step_T.size() > points_per_line(num_lines)) {
    view.count += ", thinned to the lowest and the highest of each bin";
  }
  view.reading = reading_of(lines, last);
  if (shown.size() < lines.size()) {
    view.reading += " Drawn are the " + std::to_string(shown.size()) + " of " + std::to_string(lines.size()) +
                    " experts that were farthest from an even share; the table has all.";
  }
  return view;
}

size_t worst_of(const ReportInput& input, const std::vector<std::string>& layers) {
  const auto loads = layer_loads(input);
  if (loads.empty()) return 0;
  const auto found = std::find(layers.begin(), layers.end(), loads[worst_layer(loads)].layer);
  return found == layers.end() ? 0 : static_cast<size_t>(found - layers.begin());
}

std::optional<Panel> make_load_over_time(const ReportInput& input) {
  if (input.run.metrics.empty() && input.run.config.empty() && input.run.routing) return {};  // a profile alone
  Panel panel{"Load over time", {}, ""};
  std::vector<LoadHistory> histories;
  std::vector<std::string> layers;
  for (const LoadHistory& history : input.loads) {
    if (history.step_T.empty()) continue;
    histories.push_back(history);
    layers.push_back(history.layer);
  }
  if (histories.empty()) {
    panel.absent =
        "metrics.jsonl has no lines of kind \"experts\". heterodyne train writes them for networks with experts.";
    return panel;
  }
  const auto lives = layer_lives(input);
  panel.figures.push_back(figure_of("Share of each expert",
                                    {{"layer", layers, worst_of(input, layers)}, {"share of", {"tokens", "MACs"}, 0}},
                                    [&](const std::vector<size_t>& options) {
                                      const LoadHistory& history = histories[options[0]];
                                      return view_of(input, history, lives_of(lives, history.layer), options[1] == 1);
                                    }));
  return panel;
}

}  // namespace

PanelKind panel_kind_load_over_time() {
  return {
      "each expert's share of its layer's assignments, or of their MACs, against steps", 20, make_load_over_time, {}};
}

}  // namespace heterodyne
