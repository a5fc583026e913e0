// The kernels behind replay() and step(): raw pointers, a range of values at a time.
#pragma once

#include <cstdint>

#include "heterodyne/ops/steps/idle_steps.h"

namespace heterodyne::ops::internal {

template <class Scalar>
struct AdamRange {
  Scalar *parameter, *mean, *square;
  int64_t size;
};
void replay_adam(const AdamRange<float>& range, const IdleAdam& idle, bool weights_only);
void replay_adam(const AdamRange<double>& range, const IdleAdam& idle, bool weights_only);
void step_adam(const AdamRange<float>& range, const float* gradient, const AdamStep& step);
void step_adam(const AdamRange<double>& range, const double* gradient, const AdamStep& step);

template <class Scalar>
struct LinearRange {
  Scalar *parameter, *buffer;
  int64_t size;
};
void replay_linear(const LinearRange<float>& range, const IdleLinear& idle, bool weights_only);
void replay_linear(const LinearRange<double>& range, const IdleLinear& idle, bool weights_only);

}  // namespace heterodyne::ops::internal
