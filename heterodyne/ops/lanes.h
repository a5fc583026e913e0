// Sums for kernels: sixteen partial sums in a fixed order, so that every instruction set gives the same bits.
#pragma once

#include <cstdint>

#include "heterodyne/base/clones.h"

namespace heterodyne::ops::internal {

constexpr int64_t kLanes = 16;

/// Of two rows.
template <class Scalar>
HETERODYNE_INLINE Scalar dot(const Scalar* a, const Scalar* b, int64_t size) {
  Scalar lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < size; ++i) lanes[i % kLanes] += a[i] * b[i];
  Scalar sum = 0;
  for (const Scalar lane : lanes) sum += lane;
  return sum;
}

/// Of one row.
template <class Scalar>
HETERODYNE_INLINE Scalar sum_of(const Scalar* a, int64_t size) {
  Scalar lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane];
  }
  for (; i < size; ++i) lanes[i % kLanes] += a[i];
  Scalar sum = 0;
  for (const Scalar lane : lanes) sum += lane;
  return sum;
}

}  // namespace heterodyne::ops::internal
