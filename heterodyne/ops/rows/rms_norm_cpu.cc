#include "heterodyne/ops/rows/rms_norm_cpu.h"

#include <cmath>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

template <class Scalar>
HETERODYNE_INLINE void forward(const RmsNormArgs<Scalar>& args, Scalar* y_ND, int64_t begin, int64_t end) {
  const int64_t D = args.D;
  for (int64_t n = begin; n < end; ++n) {
    const Scalar* __restrict x = args.x_ND + n * D;
    Scalar* __restrict y = y_ND + n * D;
    const Scalar scale = Scalar(1) / std::sqrt(dot(x, x, D) / static_cast<Scalar>(D) + args.eps);
    args.scale_N[n] = scale;
    for (int64_t i = 0; i < D; ++i) y[i] = x[i] * scale * args.weight_D[i];
  }
}

// <dy weight, x>, in the lanes of dot().
template <class Scalar>
HETERODYNE_INLINE Scalar weighted_dot(const Scalar* dy, const Scalar* weight, const Scalar* x, int64_t size) {
  Scalar lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += dy[i + lane] * weight[i + lane] * x[i + lane];
  }
  for (; i < size; ++i) lanes[i % kLanes] += dy[i] * weight[i] * x[i];
  Scalar sum = 0;
  for (const Scalar lane : lanes) sum += lane;
  return sum;
}

template <class Scalar>
HETERODYNE_INLINE void backward(const RmsNormArgs<Scalar>& args, const RmsNormGradients<Scalar>& gradients,
                                int64_t begin, int64_t end) {
  const int64_t D = args.D;
  const Scalar* __restrict weight = args.weight_D;
  Scalar* __restrict dweight = gradients.dweight_D;
  for (int64_t n = begin; n < end; ++n) {
    const Scalar* __restrict x = args.x_ND + n * D;
    const Scalar* __restrict dy = gradients.dy_ND + n * D;
    Scalar* __restrict dx = gradients.dx_ND + n * D;
    const Scalar scale = args.scale_N[n];
    const Scalar pull = weighted_dot(dy, weight, x, D) / static_cast<Scalar>(D) * scale * scale;
    for (int64_t i = 0; i < D; ++i) {
      dx[i] = scale * (dy[i] * weight[i] - x[i] * pull);
      dweight[i] += dy[i] * x[i] * scale;
    }
  }
}

}  // namespace

HETERODYNE_CLONES void rms_norm_rows(const RmsNormArgs<float>& args, float* y_ND, int64_t begin, int64_t end) {
  forward(args, y_ND, begin, end);
}

HETERODYNE_CLONES void rms_norm_rows(const RmsNormArgs<double>& args, double* y_ND, int64_t begin, int64_t end) {
  forward(args, y_ND, begin, end);
}

HETERODYNE_CLONES void rms_norm_rows_back(const RmsNormArgs<float>& args, const RmsNormGradients<float>& gradients,
                                          int64_t begin, int64_t end) {
  backward(args, gradients, begin, end);
}

HETERODYNE_CLONES void rms_norm_rows_back(const RmsNormArgs<double>& args, const RmsNormGradients<double>& gradients,
                                          int64_t begin, int64_t end) {
  backward(args, gradients, begin, end);
}

}  // namespace heterodyne::ops::internal
