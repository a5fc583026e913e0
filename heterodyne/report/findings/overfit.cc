// Overfitting: the loss on the validation split rises while that on the training split falls.
//
// Said when, after the validation with the lowest loss, at least three more came, the last of which is 10 % above it,
// and the training loss fell in the meantime.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"
#include "heterodyne/report/finding.h"
#include "heterodyne/report/run_series.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr int64_t kFewestAfter = 3;
constexpr double kRise = 1.1;

// The last training value up to a step; 0 when there is none.
double value_at(const Points& points, double step) {
  double value = 0;
  for (const auto& point : points) {
    if (point.first <= step) value = point.second;
  }
  return value;
}

std::vector<Finding> find_overfit(const ReportInput& input) {
  const Points valid = series_of(input.run, "valid", "loss").points;
  const Points train = series_of(input.run, "train", "task").points;
  if (valid.empty() || train.empty()) return {};
  const auto best =
      std::min_element(valid.begin(), valid.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (valid.end() - best <= kFewestAfter || valid.back().second < kRise * best->second) return {};
  const double then = value_at(train, best->first), now = value_at(train, valid.back().first);
  if (now >= then) return {};
  return {
      {Severity::kAmber,
       fmt::format("The network overfits: the validation loss was lowest at step {} ({}) and is {} at step {}, while "
                   "the training loss fell from {} to {}. Try train.early_stop.patience or more model.dropout.",
                   with_commas(static_cast<int64_t>(best->first)), number(best->second), number(valid.back().second),
                   with_commas(static_cast<int64_t>(valid.back().first)), number(then), number(now)),
       "training"}};
}

}  // namespace

FindingKind finding_kind_overfit() {
  return {"a validation loss that rises while the training loss falls", find_overfit, {}};
}

}  // namespace heterodyne
