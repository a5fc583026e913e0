// Dispensable: experts that get a good part of the work and are not missed when they are taken away. Only where
// knock-outs were measured.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/report/finding.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr double kFair = 0.5;     // of an even share: as much as this is a good part
constexpr double kMissed = 0.01;  // of the loss: what is above it is missed

std::vector<Finding> find_dispensable(const ReportInput& input) {
  std::vector<Finding> found;
  if (!input.run.routing) return found;
  for (const LayerProfile& layer : input.run.routing->layers) {
    const size_t E = layer.counts.count_E.size();
    if (!layer.knock_out || layer.knock_out->loss_change_E.size() != E || layer.experts.size() != E || E < 2) continue;
    const auto total = static_cast<double>(layer.counts.num_assignments());
    std::vector<std::string> names;
    double share = 0;
    for (size_t e = 0; e < E; ++e) {
      const double own = total > 0 ? static_cast<double>(layer.counts.count_E[e]) / total : 0;
      const bool is_missed = !(layer.knock_out->loss_change_E[e] < kMissed * layer.knock_out->loss);
      if (is_missed || own < kFair / static_cast<double>(E)) continue;
      names.push_back(expert_label(layer.experts[e]));
      share += own;
    }
    if (names.empty()) continue;
    const bool is_one = names.size() == 1;
    found.push_back({Severity::kGrey,
                     fmt::format("{}: expert{} {} {} {} of the assignments, and taking {} away costs less than 1 % of "
                                 "the loss.",
                                 layer.counts.layer, is_one ? "" : "s", listed(names), is_one ? "gets" : "get",
                                 percent(share), is_one ? "it" : "any one of them"),
                     "knock_out"});
  }
  return found;
}

}  // namespace

FindingKind finding_kind_dispensable() {
  return {"experts that work and are not missed when they are taken away", find_dispensable, {}};
}

}  // namespace heterodyne
