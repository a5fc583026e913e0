#include "heterodyne/ops/gate_cpu.h"

#include <cmath>
#include <limits>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kGroup = 16;  // logits that are compared at once

// Whether all of a group are known to be no better than the last of the chosen: then it need not be looked at. A NaN
// is not known to be.
HETERODYNE_INLINE bool is_passed_over(const float* group, float last) {
  int better = 0;
  for (int64_t i = 0; i < kGroup; ++i) better |= group[i] <= last ? 0 : 1;
  return better == 0;
}

}  // namespace

HETERODYNE_CLONES bool best_of_row(const float* logits, int64_t count, int64_t k, int64_t* position_K, float* logit_K) {
  int64_t size = 0;
  float last = -std::numeric_limits<float>::infinity();
  for (int64_t first = 0; first < count; first += kGroup) {
    const bool is_whole = first + kGroup <= count;
    if (size == k && is_whole && is_passed_over(logits + first, last)) continue;
    const int64_t end = is_whole ? first + kGroup : count;
    for (int64_t i = first; i < end; ++i) {
      const float logit = logits[i];
      if (logit != logit) return false;
      if (size == k && !(logit > last)) continue;
      int64_t place = size < k ? size++ : k - 1;
      for (; place > 0 && logit > logit_K[place - 1]; --place) {
        logit_K[place] = logit_K[place - 1];
        position_K[place] = position_K[place - 1];
      }
      logit_K[place] = logit;
      position_K[place] = i;
      if (size == k) last = logit_K[k - 1];
    }
  }
  return true;
}

HETERODYNE_CLONES float log_sum_exp_of(const float* logits, int64_t count, float largest) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float below = logits[i + lane] - largest;
      lanes[lane] += below < -80.0F ? 0.0F : exp_of_negative(below < -80.0F ? -80.0F : below);
    }
  }
  for (; i < count; ++i) {
    const float below = logits[i] - largest;
    lanes[i % kLanes] += below < -80.0F ? 0.0F : exp_of_negative(below < -80.0F ? -80.0F : below);
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return largest + std::log(sum);
}

HETERODYNE_CLONES void add_scaled(const float* row, float factor, int64_t width, float* to) {
  for (int64_t d = 0; d < width; ++d) to[d] += factor * row[d];
}

}  // namespace heterodyne::ops::internal
