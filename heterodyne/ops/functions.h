// Functions of single values for kernels, in float32 by our own polynomials, which compilers turn into vector code and
// which give the same bits for every instruction set; in float64 by the standard library.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {

/// exp(x) for -80 <= x <= 0 to a relative 2e-7: 2^n times a polynomial of the rest, |rest| <= ln 2 / 2.
HETERODYNE_INLINE float exp_of_negative(float x) {
  const float n = std::floor(x * std::numbers::log2e_v<float> + 0.5F);
  // ln 2 in two parts, so that n times the first is exact.
  const float rest = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float sum = 1.0F / 720;
  sum = sum * rest + 1.0F / 120;
  sum = sum * rest + 1.0F / 24;
  sum = sum * rest + 1.0F / 6;
  sum = sum * rest + 0.5F;
  sum = sum * rest + 1.0F;
  sum = sum * rest + 1.0F;
  return sum * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

/// exp(x) for x <= 0; in float32 what is below exp(-80) counts as nothing. NaN comes out again.
HETERODYNE_INLINE float exp_below(float x) {
  const float value = exp_of_negative(x < -80.0F ? -80.0F : x);
  return x < -80.0F ? 0.0F : value;
}
HETERODYNE_INLINE double exp_below(double x) { return std::exp(x); }

/// Phi, the normal distribution's cumulated probability, and phi, its density.
template <class Scalar>
struct Normal {
  Scalar cumulated, density;
};

/// Abramowitz and Stegun 1964, formula 7.1.26, of x / sqrt 2; it needs the same exponential as the density.
HETERODYNE_INLINE Normal<float> normal_at(float x) {
  const float size = std::fabs(x) < 12.0F ? std::fabs(x) : 12.0F;  // beyond, Phi is 0 or 1 in float32
  const float exponential = exp_of_negative(-0.5F * size * size);
  const float t = 1.0F / (1.0F + 0.3275911F * std::numbers::sqrt2_v<float> * 0.5F * size);
  float sum = 1.061405429F;
  sum = sum * t - 1.453152027F;
  sum = sum * t + 1.421413741F;
  sum = sum * t - 0.284496736F;
  sum = sum * t + 0.254829592F;
  const float tail = 0.5F * sum * t * exponential;  // 1 - Phi(size)
  const float cumulated = x < 0 ? tail : 1.0F - tail;
  constexpr float kInverseRoot = 0.398942280401F;  // 1 / sqrt(2 pi)
  // NaN must come out again.
  return {cumulated + (x != x ? x : 0.0F), kInverseRoot * exponential};
}

HETERODYNE_INLINE Normal<double> normal_at(double x) {
  return {0.5 * std::erfc(-x / std::numbers::sqrt2), std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi)};
}

/// 1 / (1 + exp(-x)). NaN comes out again.
HETERODYNE_INLINE float sigmoid(float x) {
  const float size = std::fabs(x) < 80.0F ? std::fabs(x) : 80.0F;
  const float exponential = exp_of_negative(-size);
  const float of_size = 1.0F / (1.0F + exponential);
  return (x < 0 ? exponential * of_size : of_size) + (x != x ? x : 0.0F);
}

/// tanh(x) = 2 sigmoid(2 x) - 1; near zero, where that difference loses digits, its series. NaN comes out again.
HETERODYNE_INLINE float tanh_of(float x) {
  const float square = x * x;
  const float series = x * (1.0F - square * (1.0F / 3 - square * (2.0F / 15 - square * (17.0F / 315))));
  const float far = 2.0F * sigmoid(2.0F * x) - 1.0F;
  return square < 0.04F ? series : far;
}

/// The sum of exp(row - largest), in the lanes of lanes.h, which are added up in halves; largest is the row's.
template <class Scalar>
HETERODYNE_INLINE Scalar sum_of_exponentials(const Scalar* row, Scalar largest, int64_t size) {
  Scalar lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += exp_below(row[i + lane] - largest);
  }
  for (; i < size; ++i) lanes[i % kLanes] += exp_below(row[i] - largest);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace heterodyne::ops::internal
