#include "heterodyne/report/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

bool is_nothing(const RunRecord& run) {
  return run.path.empty() && run.config.empty() && run.metrics.empty() && run.events.empty() && !run.routing;
}

Table about(const ReportInput& input) {
  const RunRecord& run = input.run;
  Table lines{{"path", run.path}, {"state", run.state}};
  if (!run.metrics.empty()) lines.set("steps", with_commas(last_step(run)));
  if (const Value* seed = run.config.find("seed"); seed && seed->if_integer()) lines.set("seed", *seed);
  const auto loads = layer_loads(input);
  if (!loads.empty()) {
    std::vector<std::string> counts;
    for (const ReportedLoad& load : loads) counts.push_back(std::to_string(load.experts.size()));
    lines.set("experts",
              fmt::format("{} in {}", join(counts, " + "), counted(static_cast<int64_t>(loads.size()), "layer")));
    lines.set("routing", "of " + loads.front().source);
  }
  if (input.before) lines.set("compared with", input.before->path);
  return lines;
}

// Whether something was measured, and nothing of any layer with experts.
bool is_dense(const RunRecord& run) {
  bool is_measured = false;
  for (const std::string kind : {"train", "valid", "test"}) {
    for (const Table* line : run.lines(kind)) {
      is_measured = true;
      for (const auto& [key, value] : line->entries()) {
        if (key.starts_with("layers.")) return false;
      }
    }
  }
  return is_measured;
}

// What is to be said when nothing is wrong, or nothing is known.
Finding all_clear(const ReportInput& input) {
  const auto loads = layer_loads(input);
  if (loads.empty() && is_dense(input.run))
    return {Severity::kGrey, "The network has no Mixture-of-Experts layer, so nothing is said of experts.", "load"};
  if (loads.empty()) {
    return {Severity::kGrey,
            "No routing is recorded, so nothing can be said of the experts. This records it: heterodyne route " +
                model_of(input.run),
            "load"};
  }
  int64_t num_experts = 0;
  for (const ReportedLoad& load : loads) num_experts += static_cast<int64_t>(load.experts.size());
  return {Severity::kGrey,
          fmt::format("Nothing wrong was found: {} in {}, none dead, starved or collapsed.",
                      counted(num_experts, "expert"), counted(static_cast<int64_t>(loads.size()), "layer")),
          "load"};
}

std::vector<NamedFinding> all_findings(const ReportInput& input) {
  std::vector<NamedFinding> all;
  for (const auto& kind : findings().names()) {
    for (auto& finding : findings().find(kind).look(input)) all.push_back({kind, std::move(finding)});
  }
  const bool is_clear =
      std::all_of(all.begin(), all.end(), [](const auto& one) { return one.finding.severity == Severity::kGrey; });
  if (is_clear) all.insert(all.begin(), {"all_clear", all_clear(input)});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.finding.severity < b.finding.severity; });
  return all;
}

}  // namespace

Report make_report(const ReportInput& input) {
  if (is_nothing(input.run)) throw ConfigError("report: expected a run or a routing profile, got neither");
  Report report{input.run.name, about(input), all_findings(input), {}};
  std::vector<std::string> names = panels().names();
  std::stable_sort(names.begin(), names.end(),
                   [](const auto& a, const auto& b) { return panels().find(a).order < panels().find(b).order; });
  for (const auto& name : names) {
    if (auto panel = panels().find(name).make(input)) report.panels.push_back({name, std::move(*panel)});
  }
  return report;
}

}  // namespace heterodyne
