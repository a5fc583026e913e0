// Cost gap: more was executed than the assignments need.
#include <fmt/format.h>

#include "heterodyne/report/finding.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr double kNotable = 1.02, kLarge = 1.5;  // executed against routed

std::vector<Finding> find_cost_gap(const ReportInput& input) {
  if (!input.run.routing) return {};
  const double routed = input.run.routing->cost.routed.macs, executed = input.run.routing->cost.executed.macs;
  if (!(routed > 0) || !(executed > kNotable * routed)) return {};
  return {{executed > kLarge * routed ? Severity::kAmber : Severity::kGrey,
           fmt::format("An example takes {} MACs where its assignments alone need {} (x{}): experts that look at whole "
                       "sequences, or that all run, compute more than they are asked for.",
                       short_number(executed), short_number(routed), number(executed / routed)),
           "cost"}};
}

}  // namespace

FindingKind finding_kind_cost_gap() { return {"work executed beyond what the assignments need", find_cost_gap, {}}; }

}  // namespace heterodyne
