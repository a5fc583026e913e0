// Non-finite values: metrics that were infinite or not a number.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "heterodyne/base/text.h"
#include "heterodyne/report/finding.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::vector<Finding> find_non_finite(const ReportInput& input) {
  std::map<std::string, int64_t> first_step;  // by key
  for (const Table& line : input.run.metrics) {
    const Value* names = line.find("nonfinite");
    if (names == nullptr || names->if_array() == nullptr) continue;
    for (const Value& name : *names->if_array()) {
      if (name.if_text()) first_step.emplace(*name.if_text(), integer_or(line, "step", 0));
    }
  }
  if (first_step.empty()) return {};
  std::vector<std::string> parts;
  for (const auto& [key, step] : first_step) parts.push_back(key + " from step " + with_commas(step));
  return {
      {Severity::kRed,
       fmt::format("Not finite: {}. Try a smaller train.optimizer.lr, or train.optimizer.clip_norm.", listed(parts)),
       "training"}};
}

}  // namespace

FindingKind finding_kind_non_finite() { return {"metrics that were infinite or not a number", find_non_finite, {}}; }

}  // namespace heterodyne
