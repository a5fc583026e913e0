#include "heterodyne/report/matching.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/base/assignment.h"
#include "heterodyne/report/group_figure.h"

namespace heterodyne {
namespace {

bool is_matched_by_id(const LayerProfile& fewer, const LayerProfile& more) {
  return std::all_of(fewer.experts.begin(), fewer.experts.end(), [&](const ExpertFacts& one) {
    return std::any_of(more.experts.begin(), more.experts.end(),
                       [&](const ExpertFacts& other) { return one.id == other.id && one.kind == other.kind; });
  });
}

// What an expert is compared by: its assignments over the classes, or its share alone.
std::vector<std::vector<double>> features(const LayerProfile& layer, bool by_class) {
  std::vector<std::vector<double>> all(layer.experts.size());
  const auto sum = static_cast<double>(std::max<int64_t>(layer.counts.num_assignments(), 1));
  const auto table = contingency_of(layer, "class");
  for (size_t e = 0; e < all.size(); ++e) {
    if (!by_class) {
      all[e] = {static_cast<double>(layer.counts.count_E[e]) / sum};
      continue;
    }
    const auto share_EY = class_given_expert(*table);
    const auto begin = share_EY.begin() + static_cast<int64_t>(e) * table->num_classes;
    all[e].assign(begin, begin + table->num_classes);
  }
  return all;
}

}  // namespace

ExpertMatch match_experts(const LayerProfile& before, const LayerProfile& after) {
  const bool is_fewer = before.experts.size() <= after.experts.size();
  ExpertMatch match{{}, is_fewer ? is_matched_by_id(before, after) : is_matched_by_id(after, before)};
  if (match.is_by_id) {
    for (const ExpertFacts& expert : before.experts) {
      const auto found = std::find_if(after.experts.begin(), after.experts.end(), [&](const ExpertFacts& other) {
        return other.id == expert.id && other.kind == expert.kind;
      });
      match.after_of.push_back(found == after.experts.end() ? -1 : found - after.experts.begin());
    }
    return match;
  }
  const auto one_table = contingency_of(before, "class"), other_table = contingency_of(after, "class");
  const bool by_class = one_table && other_table && one_table->num_classes == other_table->num_classes;
  const auto one = features(before, by_class), other = features(after, by_class);
  std::vector<double> cost;
  for (const auto& a : one) {
    for (const auto& b : other) {
      double distance = 0;
      for (size_t i = 0; i < a.size(); ++i) distance += std::abs(a[i] - b[i]) / 2;
      cost.push_back(distance);
    }
  }
  match.after_of = cheapest_assignment(cost, one.size(), other.size());
  return match;
}

}  // namespace heterodyne
