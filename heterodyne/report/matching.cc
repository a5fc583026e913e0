#include "heterodyne/report/matching.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/base/assignment.h"
#include "heterodyne/report/group_figure.h"

namespace heterodyne {
namespace {

// The positions that are not among `taken`.
std::vector<size_t> rest_of(size_t size, const std::vector<int64_t>& taken) {
  std::vector<size_t> rest;
  for (size_t e = 0; e < size; ++e) {
    if (std::find(taken.begin(), taken.end(), static_cast<int64_t>(e)) == taken.end()) rest.push_back(e);
  }
  return rest;
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

std::string ExpertMatch::rule() const {
  const auto matched = std::count_if(after_of.begin(), after_of.end(), [](int64_t e) { return e >= 0; });
  if (num_by_id == matched) return "id";
  return num_by_id == 0 ? "what they do" : "id, " + std::to_string(matched - num_by_id) + " by what they do";
}

ExpertMatch match_experts(const LayerProfile& before, const LayerProfile& after) {
  ExpertMatch match;
  std::vector<int64_t> alone;  // positions in `before`
  for (size_t e = 0; e < before.experts.size(); ++e) {
    const ExpertFacts& expert = before.experts[e];
    const auto found = std::find_if(after.experts.begin(), after.experts.end(), [&](const ExpertFacts& other) {
      return other.id == expert.id && other.kind == expert.kind;
    });
    const bool is_there = found != after.experts.end();
    match.after_of.push_back(is_there ? found - after.experts.begin() : -1);
    match.num_by_id += is_there ? 1 : 0;
    if (!is_there) alone.push_back(static_cast<int64_t>(e));
  }
  const auto rest = rest_of(after.experts.size(), match.after_of);
  const auto one_table = contingency_of(before, "class"), other_table = contingency_of(after, "class");
  const bool by_class = one_table && other_table && one_table->num_classes == other_table->num_classes;
  const auto one = features(before, by_class), other = features(after, by_class);
  std::vector<double> cost;
  for (const int64_t a : alone) {
    for (const size_t b : rest) {
      double distance = 0;
      const auto &first = one[static_cast<size_t>(a)], &second = other[b];
      for (size_t i = 0; i < first.size(); ++i) distance += std::abs(first[i] - second[i]) / 2;
      cost.push_back(distance);
    }
  }
  const auto chosen = cheapest_assignment(cost, alone.size(), rest.size());
  for (size_t i = 0; i < alone.size(); ++i) {
    if (chosen[i] >= 0)
      match.after_of[static_cast<size_t>(alone[i])] = static_cast<int64_t>(rest[static_cast<size_t>(chosen[i])]);
  }
  return match;
}

}  // namespace heterodyne
