#include "cli/view/comparison_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "heterodyne/base/text.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne::cli {
namespace {

struct Metric {
  const char* title;
  const char* unit;
  const char* kind;
  const char* key;
  double sign;  // 1 where more is better
};
constexpr Metric kMetrics[] = {
    {"Accuracy on the validation split", "share of examples, 0 .. 1", "valid", "accuracy", 1},
    {"Loss on the validation split", "loss, nats", "valid", "loss", -1},
    {"Loss on the training split", "loss of the task, nats", "train", "task", -1},
};

const std::string& name_of(const ComparedGroup& group) { return group.outcomes[0].model; }

std::vector<OutcomeGroup> outcomes_of(const std::vector<ComparedGroup>& groups) {
  std::vector<OutcomeGroup> outcomes;
  for (const auto& group : groups) outcomes.push_back(group.outcomes);
  return outcomes;
}

// The mean over a group's runs at the steps that each of them has.
Points mean_of(const std::vector<Points>& lines) {
  std::map<double, std::pair<size_t, double>> sums;  // by step
  for (const auto& points : lines) {
    for (const auto& [step, value] : points) {
      ++sums[step].first;
      sums[step].second += value;
    }
  }
  Points mean;
  for (const auto& [step, sum] : sums) {
    if (sum.first == lines.size()) mean.emplace_back(step, sum.second / static_cast<double>(sum.first));
  }
  return mean;
}

std::string run_name(const ComparedGroup& group, size_t r) {
  if (group.runs.size() == 1) return name_of(group);
  const auto& seed = group.outcomes[r].seed;
  return seed ? fmt::format("{}, seed {}", name_of(group), *seed) : group.outcomes[r].path;
}

std::vector<LineSeries> lines_of(const std::vector<ComparedGroup>& groups, const Metric& metric, bool of_groups) {
  std::vector<LineSeries> lines;
  for (const auto& group : groups) {
    std::vector<Points> of_runs;
    for (size_t r = 0; r < group.runs.size(); ++r) {
      of_runs.push_back(series_of(group.runs[r], metric.kind, metric.key).points);
      if (!of_groups && !of_runs.back().empty()) lines.push_back({run_name(group, r), of_runs.back()});
    }
    if (of_groups && !mean_of(of_runs).empty()) lines.push_back({name_of(group), mean_of(of_runs)});
  }
  return lines;
}

View curves_view(const std::vector<ComparedGroup>& groups, const Metric& metric, bool of_groups) {
  View view{{}, metric.unit, "", "", {}, {{"line", "first", "best", "at step", "last", "n"}, {}}, ""};
  LineChart chart{.x = "step", .y = metric.unit};
  const auto lines = lines_of(groups, metric, of_groups);
  const LineSeries* leader = nullptr;
  double leading = 0;
  for (const auto& line : lines) {
    const auto is_worse = [&](const auto& a, const auto& b) { return metric.sign * a.second < metric.sign * b.second; };
    const auto best = std::max_element(line.points.begin(), line.points.end(), is_worse);
    if (!leader || metric.sign * best->second > metric.sign * leading) {
      leader = &line;
      leading = best->second;
    }
    view.table.rows.push_back({line.name, rounded(line.points.front().second, 6), rounded(best->second, 6),
                               static_cast<int64_t>(best->first), rounded(line.points.back().second, 6),
                               static_cast<int64_t>(line.points.size())});
    chart.series.push_back({line.name, thinned(line.points, points_per_line(lines.size()))});
  }
  if (!leader) return view;
  view.count = "n = " + counted(static_cast<int64_t>(lines.size()), "line");
  view.reading = fmt::format("The best of all is {} of {}{}.", number(leading), leader->name,
                             of_groups ? "; each line is the mean of a group's runs" : "");
  view.chart = chart.table();
  return view;
}

Panel curves_panel(const std::vector<ComparedGroup>& groups) {
  Panel panel{"Curves", {}, ""};
  const bool has_groups = std::any_of(groups.begin(), groups.end(), [](const auto& g) { return g.runs.size() > 1; });
  const Choice lines{"lines",
                     has_groups ? std::vector<std::string>{"groups", "runs"} : std::vector<std::string>{"runs"}};
  for (const Metric& metric : kMetrics) {
    if (lines_of(groups, metric, false).empty()) continue;
    panel.figures.push_back(figure_of(metric.title, {lines}, [&](const std::vector<size_t>& options) {
      return curves_view(groups, metric, has_groups && options[0] == 0);
    }));
    draw_opening_view(panel.figures.back());
  }
  if (panel.figures.empty()) panel.absent = "None of the runs has recorded a metric yet.";
  return panel;
}

Panel outcomes_panel(const std::vector<ComparedGroup>& groups) {
  const std::string reading =
      "Accuracies are means with standard deviations over the runs of a group; MACs are those of one example.";
  return {"Outcomes",
          {table_figure("What each group reached", reading, comparison_rows(outcomes_of(groups), "table"))},
          ""};
}

std::optional<Panel> differences_panel(const std::vector<ComparedGroup>& groups) {
  Rows rows = difference_rows(outcomes_of(groups));
  if (rows.rows.empty()) return {};
  const std::string reading =
      "Runs of equal seed are pairs. In brackets Student's 95 % interval of the mean difference, in points of "
      "accuracy.";
  return Panel{"Differences", {table_figure("Against " + name_of(groups[0]), reading, std::move(rows))}, ""};
}

// The settings in which the first runs of the groups differ, but for name and seed.
Panel settings_panel(const std::vector<ComparedGroup>& groups) {
  std::vector<std::string> keys;
  std::vector<std::map<std::string, std::string>> values;
  Rows rows{{"setting"}, {}};
  for (const auto& group : groups) {
    rows.columns.push_back(name_of(group));
    auto& of_group = values.emplace_back();
    for (const auto& [key, value] : flat_settings(group.runs[0].config)) {
      of_group[key] = value;
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  for (const auto& key : keys) {
    std::vector<Value> row{key};
    for (auto& of_group : values) row.emplace_back(of_group.contains(key) ? of_group[key] : "-");
    const bool differs =
        std::any_of(row.begin() + 2, row.end(), [&](const Value& value) { return !(value == row[1]); });
    if (differs && key != "name" && key != "seed") rows.rows.push_back(std::move(row));
  }
  Panel panel{"Settings", {}, ""};
  if (rows.rows.empty()) panel.absent = "The groups differ in no setting but their name and seed.";
  else
    panel.figures.push_back(table_figure("Settings that differ", "Of the first run of each group.", std::move(rows)));
  return panel;
}

std::string title_of(const std::vector<ComparedGroup>& groups) {
  std::vector<std::string> names;
  for (const auto& group : groups) names.push_back(name_of(group));
  return listed(names, 3);
}

}  // namespace

Report comparison_report(const std::vector<ComparedGroup>& groups, const std::vector<std::string>& warnings) {
  Report report;
  report.what = "comparison";
  report.title = title_of(groups);
  int64_t num_runs = 0;
  for (const auto& group : groups) num_runs += static_cast<int64_t>(group.runs.size());
  report.about = Table{{"groups", static_cast<int64_t>(groups.size())}, {"runs", num_runs}};
  for (const auto& warning : warnings) report.findings.push_back({"budget", {Severity::kAmber, warning, "outcomes"}});
  report.panels.push_back({"outcomes", outcomes_panel(groups)});
  if (auto panel = differences_panel(groups)) report.panels.push_back({"differences", std::move(*panel)});
  report.panels.push_back({"curves", curves_panel(groups)});
  report.panels.push_back({"settings", settings_panel(groups)});
  return report;
}

}  // namespace heterodyne::cli
