#include "heterodyne/ops/steps/replay_cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/base/clones.h"

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kBlock = 256;  // values whose sums stay in the nearest cache

// 16^-7 is below the precision of float32. Steps that are close to each other need few terms.
template <class Scalar>
constexpr size_t kTermsOf = sizeof(Scalar) == sizeof(float) ? 7 : IdleAdam::kTerms;
constexpr size_t kFewTerms = 3;

template <class Scalar>
bool needs_few_terms(const IdleAdam::Group& group) {
  static_assert(kFewTerms == 3);
  return group.width * group.width * group.width < std::numeric_limits<Scalar>::epsilon() / 4;
}

// sum[i] += r sum_j u^j q_j for the steps of one group.
template <size_t kTerms, class Scalar>
HETERODYNE_INLINE void add_group(const IdleAdam::Group& group, Scalar eps, const Scalar* root, int64_t size,
                                 Scalar* sum) {
  Scalar series[kTerms];
  for (size_t j = 0; j < kTerms; ++j) series[j] = static_cast<Scalar>(group.series[j]);
  const auto a = static_cast<Scalar>(group.root);
  for (int64_t i = 0; i < size; ++i) {
    const Scalar r = 1 / (a * root[i] + eps), u = 1 - eps * r;
    Scalar value = series[kTerms - 1];
    for (size_t j = kTerms - 1; j-- > 0;) value = value * u + series[j];
    sum[i] += r * value;
  }
}

template <class Scalar>
HETERODYNE_INLINE void adam_range(const AdamRange<Scalar>& range, const IdleAdam& idle, bool weights_only) {
  const auto eps = static_cast<Scalar>(idle.eps), decay = static_cast<Scalar>(idle.decay);
  const auto mean_scale = static_cast<Scalar>(idle.mean_scale), square_scale = static_cast<Scalar>(idle.square_scale);
  Scalar root[kBlock], sum[kBlock];
  for (int64_t first = 0; first < range.size; first += kBlock) {
    const int64_t size = std::min(kBlock, range.size - first);
    Scalar *parameter = range.parameter + first, *mean = range.mean + first, *square = range.square + first;
    for (int64_t i = 0; i < size; ++i) root[i] = std::sqrt(square[i]);
    for (int64_t i = 0; i < size; ++i) sum[i] = 0;
    for (const auto& group : idle.groups) {
      if (needs_few_terms<Scalar>(group)) add_group<kFewTerms>(group, eps, root, size, sum);
      else add_group<kTermsOf<Scalar>>(group, eps, root, size, sum);
    }
    for (int64_t i = 0; i < size; ++i) parameter[i] = decay * parameter[i] - mean[i] * sum[i];
    if (weights_only) continue;
    for (int64_t i = 0; i < size; ++i) mean[i] *= mean_scale;
    for (int64_t i = 0; i < size; ++i) square[i] *= square_scale;
  }
}

template <class Scalar>
HETERODYNE_INLINE void step_range(const AdamRange<Scalar>& range, const Scalar* gradient, const AdamStep& step) {
  const auto mean_kept = static_cast<Scalar>(step.beta1 * step.mean_scale);
  const auto square_kept = static_cast<Scalar>(step.beta2 * step.square_scale);
  const auto mean_new = static_cast<Scalar>(1 - step.beta1), square_new = static_cast<Scalar>(1 - step.beta2);
  const auto decay = static_cast<Scalar>(step.decay), rate = static_cast<Scalar>(step.rate);
  const auto root_scale = static_cast<Scalar>(step.root_scale), eps = static_cast<Scalar>(step.eps);
  Scalar *parameter = range.parameter, *mean = range.mean, *square = range.square;
  for (int64_t i = 0; i < range.size; ++i) {
    const Scalar g = gradient[i], m = mean_kept * mean[i] + mean_new * g,
                 v = square_kept * square[i] + square_new * g * g;
    mean[i] = m;
    square[i] = v;
    parameter[i] = decay * parameter[i] - rate * m / (root_scale * std::sqrt(v) + eps);
  }
}

template <class Scalar>
HETERODYNE_INLINE void linear_range(const LinearRange<Scalar>& range, const IdleLinear& idle, bool weights_only) {
  const auto pp = static_cast<Scalar>(idle.pp), pb = static_cast<Scalar>(idle.pb);
  const auto bp = static_cast<Scalar>(idle.bp), bb = static_cast<Scalar>(idle.bb);
  Scalar before[kBlock];
  for (int64_t first = 0; first < range.size; first += kBlock) {
    const int64_t size = std::min(kBlock, range.size - first);
    Scalar *parameter = range.parameter + first, *buffer = range.buffer + first;
    for (int64_t i = 0; i < size; ++i) before[i] = parameter[i];
    for (int64_t i = 0; i < size; ++i) parameter[i] = pp * before[i] + pb * buffer[i];
    if (weights_only) continue;
    for (int64_t i = 0; i < size; ++i) buffer[i] = bp * before[i] + bb * buffer[i];
  }
}

}  // namespace

HETERODYNE_CLONES void replay_adam(const AdamRange<float>& range, const IdleAdam& idle, bool weights_only) {
  adam_range(range, idle, weights_only);
}

HETERODYNE_CLONES void replay_adam(const AdamRange<double>& range, const IdleAdam& idle, bool weights_only) {
  adam_range(range, idle, weights_only);
}

HETERODYNE_CLONES void step_adam(const AdamRange<float>& range, const float* gradient, const AdamStep& step) {
  step_range(range, gradient, step);
}

HETERODYNE_CLONES void step_adam(const AdamRange<double>& range, const double* gradient, const AdamStep& step) {
  step_range(range, gradient, step);
}

HETERODYNE_CLONES void replay_linear(const LinearRange<float>& range, const IdleLinear& idle, bool weights_only) {
  linear_range(range, idle, weights_only);
}

HETERODYNE_CLONES void replay_linear(const LinearRange<double>& range, const IdleLinear& idle, bool weights_only) {
  linear_range(range, idle, weights_only);
}

}  // namespace heterodyne::ops::internal
