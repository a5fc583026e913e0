// Collapse: a layer uses hardly more experts than each token must get.
#include <fmt/format.h>

#include "heterodyne/layer/remedies.h"
#include "heterodyne/report/finding.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

// Training's counts know no tokens; its lines say how many experts a token got. 0 when neither does.
double mean_k(const ReportInput& input, const ReportedLoad& load) {
  if (load.has_tokens()) return load.counts.mean_k();
  const Series series = series_of(input.run, "train", load.layer + ".k");
  return series.points.empty() ? 0 : series.points.back().second;
}

std::vector<Finding> find_collapse(const ReportInput& input) {
  std::vector<Finding> found;
  for (const ReportedLoad& load : layer_loads(input)) {
    const Balance balance = load.balance();
    const auto num_experts = static_cast<int64_t>(load.experts.size());
    const double k = mean_k(input, load);
    if (!is_collapsed(balance, k, num_experts)) continue;
    size_t most = 0;
    for (size_t e = 0; e < load.experts.size(); ++e) {
      if (load.counts.count_E[e] > load.counts.count_E[most]) most = e;
    }
    found.push_back(
        {Severity::kRed,
         fmt::format("{}: the router has collapsed: {} of {} experts are in use in effect, where a token gets "
                     "{}; expert {} alone takes {} ({}). {}",
                     load.layer, number(balance.effective), num_experts, number(k), expert_label(load.experts[most]),
                     percent(load.share(most)), load.source, remedy_sentence(moe_settings(input.run))),
         "balance"});
  }
  return found;
}

}  // namespace

FindingKind finding_kind_collapse() {
  return {"layers that use hardly more experts than a token gets", find_collapse, {}};
}

}  // namespace heterodyne
