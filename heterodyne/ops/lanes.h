// Sums and largest values for kernels: sixteen partial ones in a fixed order, so that every instruction set gives the
// same bits.
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

/// Of one row of at least one value; NaN only where the first is.
template <class Scalar>
HETERODYNE_INLINE Scalar largest_of(const Scalar* row, int64_t size) {
  Scalar lanes[kLanes];
  for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] = row[0];
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = row[i + lane] > lanes[lane] ? row[i + lane] : lanes[lane];
    }
  }
  for (; i < size; ++i) lanes[0] = row[i] > lanes[0] ? row[i] : lanes[0];
  Scalar largest = lanes[0];
  for (const Scalar lane : lanes) largest = lane > largest ? lane : largest;
  return largest;
}

}  // namespace heterodyne::ops::internal
