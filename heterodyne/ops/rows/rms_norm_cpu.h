// The kernels behind rms_norm(): raw pointers, a range of rows at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

template <class Scalar>
struct RmsNormArgs {
  const Scalar* x_ND;
  const Scalar* weight_D;
  Scalar* scale_N;  // 1 / sqrt(mean(x^2) + eps): written forward, read back
  int64_t D;
  Scalar eps;
};

/// y = x scale weight
void rms_norm_rows(const RmsNormArgs<float>& args, float* y_ND, int64_t begin, int64_t end);
void rms_norm_rows(const RmsNormArgs<double>& args, double* y_ND, int64_t begin, int64_t end);

/// The gradients that go with one range of rows.
template <class Scalar>
struct RmsNormGradients {
  const Scalar* dy_ND;
  Scalar* dx_ND;
  Scalar* dweight_D;  // added to
};

/// With g = dy weight: dx = scale (g - x scale^2 mean(g x)), and dweight += dy x scale.
void rms_norm_rows_back(const RmsNormArgs<float>& args, const RmsNormGradients<float>& gradients, int64_t begin,
                        int64_t end);
void rms_norm_rows_back(const RmsNormArgs<double>& args, const RmsNormGradients<double>& gradients, int64_t begin,
                        int64_t end);

}  // namespace heterodyne::ops::internal
