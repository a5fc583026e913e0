// Dead experts: no token in the whole of what was counted.
#include <fmt/format.h>

#include "heterodyne/base/text.h"
#include "heterodyne/layer/remedies.h"
#include "heterodyne/report/finding.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::string sentence(const ReportedLoad& load, const std::string& remedy) {
  const int64_t sum = load.counts.num_assignments();
  if (sum == 0) return fmt::format("{}: no token got an expert ({}).", load.layer, load.source);
  std::vector<std::string> dead;
  for (size_t e = 0; e < load.experts.size(); ++e) {
    if (load.counts.count_E[e] == 0) dead.push_back(expert_label(load.experts[e]));
  }
  return fmt::format("{}: expert{} {} got none of {} ({}; an even share is {}) and learn{} nothing. {}", load.layer,
                     dead.size() == 1 ? "" : "s", listed(dead), counted(sum, "assignment"), load.source,
                     with_commas(sum / static_cast<int64_t>(load.experts.size())), dead.size() == 1 ? "s" : "", remedy);
}

// Of a run that recorded no counts: how many experts the latest line of training calls dead.
std::vector<Finding> from_metrics(const ReportInput& input, const std::string& remedy) {
  std::vector<Finding> found;
  for (const auto& key : keys_of(input.run, "train")) {
    const LayerKey parts = layer_key(key);
    if (parts.layer.empty() || parts.name != "dead") continue;
    const Series series = series_of(input.run, "train", key);
    if (series.points.empty() || series.points.back().second < 1) continue;
    const auto [step, number] = series.points.back();
    found.push_back(
        {Severity::kRed,
         fmt::format("{}: {} got no token in the steps before {}. {}", parts.layer,
                     counted(static_cast<int64_t>(number), "expert"), with_commas(static_cast<int64_t>(step)), remedy),
         "training"});
  }
  return found;
}

std::vector<Finding> find_dead(const ReportInput& input) {
  const std::string remedy = remedy_sentence(moe_settings(input.run));
  const auto loads = layer_loads(input);
  if (loads.empty()) return from_metrics(input, remedy);
  std::vector<Finding> found;
  for (const ReportedLoad& load : loads) {
    if (load.balance().num_dead > 0) found.push_back({Severity::kRed, sentence(load, remedy), "load"});
  }
  return found;
}

}  // namespace

FindingKind finding_kind_dead() { return {"experts that got no token", find_dead, {}}; }

}  // namespace heterodyne
