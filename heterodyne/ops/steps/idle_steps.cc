#include "heterodyne/ops/steps/idle_steps.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/base/error.h"

namespace heterodyne::ops {
namespace {

constexpr double kWidth = 1.0 / 16;   // of a group, around its middle
constexpr double kNothing = 1e-15;    // of the largest step: left out
constexpr double kVanishing = 1e-30;  // a moment that shrank to this is zero, before it becomes slow to compute with

}  // namespace

void IdleAdam::set_steps(const std::vector<double>& c_K, const std::vector<double>& a_K) {
  HETERODYNE_DCHECK(c_K.size() == a_K.size());
  groups.clear();
  if (mean_scale < kVanishing) mean_scale = 0;
  if (square_scale < kVanishing) square_scale = 0;
  double most = 0, most_by_root = 0;  // as steps are for v = 0 and for a large one
  for (size_t i = 0; i < c_K.size(); ++i) {
    most = std::max(most, c_K[i]);
    if (a_K[i] > 0) most_by_root = std::max(most_by_root, c_K[i] / a_K[i]);
  }
  const auto counts = [&](size_t i) {
    return c_K[i] > kNothing * most || (a_K[i] > 0 && c_K[i] / a_K[i] > kNothing * most_by_root);
  };
  for (size_t begin = 0; begin < c_K.size();) {
    double lowest = a_K[begin], highest = a_K[begin];
    size_t end = begin + 1;
    for (; end < c_K.size(); ++end) {
      const double low = std::min(lowest, a_K[end]), high = std::max(highest, a_K[end]);
      if (high - low > kWidth * (high + low)) break;
      lowest = low;
      highest = high;
    }
    Group group;
    group.root = (lowest + highest) / 2;
    bool is_needed = false;
    for (size_t i = begin; i < end; ++i) {
      if (!counts(i)) continue;
      is_needed = true;
      const double away = group.root > 0 ? a_K[i] / group.root - 1 : 0;
      group.width = std::max(group.width, std::abs(away));
      double term = c_K[i];
      for (double& q : group.series) {
        q += term;
        term *= -away;
      }
    }
    if (is_needed) groups.push_back(group);
    begin = end;
  }
}

}  // namespace heterodyne::ops
