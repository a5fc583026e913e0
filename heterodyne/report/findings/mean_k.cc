// Mean k: how many experts tokens get.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/report/finding.h"
#include "heterodyne/report/layer_load.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::vector<Finding> find_mean_k(const ReportInput& input) {
  std::vector<std::string> parts;
  for (const ReportedLoad& load : layer_loads(input)) {
    if (!load.has_tokens()) continue;
    std::string part = fmt::format("{} of {} in {}", number(load.counts.mean_k()), load.experts.size(), load.layer);
    if (load.counts.num_unrouted > 0) {
      const double share = static_cast<double>(load.counts.num_unrouted) / static_cast<double>(load.counts.num_tokens);
      part += ", where " + percent(share) + " get none";
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return {};
  return {{Severity::kGrey, "Experts that a token gets on average: " + listed(parts) + ".", "balance"}};
}

}  // namespace

FindingKind finding_kind_mean_k() { return {"how many experts tokens get", find_mean_k, {}}; }

}  // namespace heterodyne
