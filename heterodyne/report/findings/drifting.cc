// Drifting load: an expert's share still moves when training ends.
//
// Compared are the third and the fourth quarter of the run's steps, by the shares q of each expert in the entries of
// its load history. An expert drifts when its mean share changed by more than a fifth of an even share, and by more
// than three standard errors sqrt(var_3 / n_3 + var_4 / n_4): more than the entries' own scatter explains. Fewer than
// four entries in a quarter say too little, and a layer whose experts came or went in the second half is left out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/report/finding.h"
#include "heterodyne/report/lives.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

constexpr size_t kFewestEntries = 4;
constexpr double kLeastChange = 0.2;  // of an even share
constexpr double kErrors = 3;

struct Mean {
  double value = 0;
  double squared_error = 0;
};

Mean mean_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Mean mean;
  for (const double value : values) mean.value += value / n;
  for (const double value : values) mean.squared_error += (value - mean.value) * (value - mean.value) / (n - 1) / n;
  return mean;
}

// Shares of one expert in the entries of steps (from, to].
std::vector<double> shares(const LoadHistory& history, size_t expert, double from, double to) {
  std::vector<double> values;
  const size_t E = history.id_E.size();
  for (size_t t = 0; t < history.step_T.size(); ++t) {
    const auto step = static_cast<double>(history.step_T[t]);
    if (step <= from || step > to) continue;
    double sum = 0;
    for (size_t e = 0; e < E; ++e) sum += static_cast<double>(history.count_TE[t * E + e]);
    if (sum > 0) values.push_back(static_cast<double>(history.count_TE[t * E + expert]) / sum);
  }
  return values;
}

bool changed_late(const LayerLives& lives, double half) {
  return std::any_of(lives.experts.begin(), lives.experts.end(), [&](const Life& life) {
    return static_cast<double>(life.born) > half || (!life.is_alive && static_cast<double>(life.end) > half);
  });
}

std::vector<std::string> drifting_experts(const LoadHistory& history, const LayerLives& lives) {
  const auto last = static_cast<double>(history.step_T.back());
  const double even = 1 / static_cast<double>(std::max<int64_t>(lives.num_active(history.step_T.back()), 1));
  std::vector<std::string> drifting;
  for (size_t e = 0; e < history.id_E.size(); ++e) {
    const auto third = shares(history, e, last / 2, 0.75 * last), fourth = shares(history, e, 0.75 * last, last);
    if (third.size() < kFewestEntries || fourth.size() < kFewestEntries) return {};
    const Mean before = mean_of(third), after = mean_of(fourth);
    const double change = std::abs(after.value - before.value);
    if (change <= kLeastChange * even || change <= kErrors * std::sqrt(before.squared_error + after.squared_error))
      continue;
    drifting.push_back(fmt::format("{} from {} to {}", history.id_E[e], percent(before.value), percent(after.value)));
  }
  return drifting;
}

std::vector<Finding> find_drifting(const ReportInput& input) {
  std::vector<Finding> found;
  const auto all = layer_lives(input);
  for (const LoadHistory& history : input.loads) {
    if (history.step_T.empty()) continue;
    const auto lives =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.layer == history.layer; });
    if (changed_late(*lives, static_cast<double>(history.step_T.back()) / 2)) continue;
    const auto drifting = drifting_experts(history, *lives);
    if (drifting.empty()) continue;
    const bool goes_on = input.run.state == "running";
    found.push_back({goes_on ? Severity::kGrey : Severity::kAmber,
                     fmt::format("{}: the load still moves: expert{} {} between the third and the last quarter of the "
                                 "steps.{}",
                                 history.layer, drifting.size() == 1 ? "" : "s", listed(drifting),
                                 goes_on ? "" : " Try more train.epochs."),
                     "load_over_time"});
  }
  return found;
}

}  // namespace

FindingKind finding_kind_drifting() {
  return {"experts whose share still moves when training ends", find_drifting, {}};
}

}  // namespace heterodyne
