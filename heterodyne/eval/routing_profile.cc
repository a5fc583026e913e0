#include "heterodyne/eval/routing_profile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace heterodyne {

double Confidence::mean_entropy() const {
  if (prob_sum_E.size() < 2) return 1;
  return num_tokens > 0
             ? entropy_sum / static_cast<double>(num_tokens) / std::log(static_cast<double>(prob_sum_E.size()))
             : 0;
}

double Confidence::mean_margin() const { return num_tokens > 0 ? margin_sum / static_cast<double>(num_tokens) : 0; }

double Confidence::information() const {
  const double sum = std::accumulate(prob_sum_E.begin(), prob_sum_E.end(), 0.0);
  if (num_tokens == 0 || sum == 0) return 0;
  double entropy_of_mean = 0;
  for (const double p : prob_sum_E) {
    if (p > 0) entropy_of_mean -= p / sum * std::log(p / sum);
  }
  return std::max(0.0, entropy_of_mean - entropy_sum / static_cast<double>(num_tokens));
}

const GroupCounts* LayerProfile::group(const std::string& name) const {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

}  // namespace heterodyne
