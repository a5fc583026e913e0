// The kernel behind rotate(): raw pointers, a range of tokens at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

template <class Scalar>
struct RotateArgs {
  const Scalar* x_THC;
  const Scalar* cos_SC;  // [S, half]
  const Scalar* sin_SC;
  Scalar* y_THC;
  int64_t S, H, half;
  bool is_inverse;  // turns back
};

void rotate_rows(const RotateArgs<float>& args, int64_t begin, int64_t end);
void rotate_rows(const RotateArgs<double>& args, int64_t begin, int64_t end);

}  // namespace heterodyne::ops::internal
