// Starved experts: some tokens, but fewer than a hundredth of an even share.
#include <fmt/format.h>

#include "heterodyne/layer/remedies.h"
#include "heterodyne/report/finding.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::vector<Finding> find_starved(const ReportInput& input) {
  std::vector<Finding> found;
  for (const ReportedLoad& load : layer_loads(input)) {
    if (load.balance().num_starved == 0) continue;
    std::vector<std::string> starved;
    for (size_t e = 0; e < load.experts.size(); ++e) {
      const double of_even = load.share(e) * static_cast<double>(load.experts.size());
      if (of_even > 0 && of_even < 0.01)
        starved.push_back(expert_label(load.experts[e]) + " (" + percent(of_even) + ")");
    }
    found.push_back({Severity::kAmber,
                     fmt::format("{}: expert{} {} got less than 1 % of an even share of {} ({}). {}", load.layer,
                                 starved.size() == 1 ? "" : "s", listed(starved),
                                 counted(load.counts.num_assignments(), "assignment"), load.source,
                                 remedy_sentence(moe_settings(input.run))),
                     "load"});
  }
  return found;
}

}  // namespace

FindingKind finding_kind_starved() { return {"experts that got less than 1 % of an even share", find_starved, {}}; }

}  // namespace heterodyne
