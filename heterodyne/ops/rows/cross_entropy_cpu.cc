#include "heterodyne/ops/rows/cross_entropy_cpu.h"

#include <cmath>

#include "heterodyne/base/clones.h"
#include "heterodyne/ops/functions.h"
#include "heterodyne/ops/lanes.h"

namespace heterodyne::ops::internal {
namespace {

template <class Scalar>
HETERODYNE_INLINE void forward(const CrossEntropyArgs<Scalar>& args, Scalar* loss_N, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const Scalar* row = args.logit_NY + n * args.Y;
    const Scalar largest = largest_of(row, args.Y);
    args.log_sum_N[n] = largest + std::log(sum_of_exponentials(row, largest, args.Y));
    loss_N[n] = args.log_sum_N[n] - row[args.label_N[n]];
  }
}

template <class Scalar>
HETERODYNE_INLINE void backward(const CrossEntropyArgs<Scalar>& args, const Scalar* dloss_N, Scalar* dlogit_NY,
                                int64_t begin, int64_t end) {
  const int64_t Y = args.Y;
  for (int64_t n = begin; n < end; ++n) {
    const Scalar* __restrict row = args.logit_NY + n * Y;
    Scalar* __restrict to = dlogit_NY + n * Y;
    const Scalar dloss = dloss_N[n], log_sum = args.log_sum_N[n];
    for (int64_t y = 0; y < Y; ++y) to[y] = dloss * exp_below(row[y] - log_sum);
    to[args.label_N[n]] -= dloss;
  }
}

}  // namespace

HETERODYNE_CLONES void cross_entropy_rows(const CrossEntropyArgs<float>& args, float* loss_N, int64_t begin,
                                          int64_t end) {
  forward(args, loss_N, begin, end);
}

HETERODYNE_CLONES void cross_entropy_rows(const CrossEntropyArgs<double>& args, double* loss_N, int64_t begin,
                                          int64_t end) {
  forward(args, loss_N, begin, end);
}

HETERODYNE_CLONES void cross_entropy_rows_back(const CrossEntropyArgs<float>& args, const float* dloss_N,
                                               float* dlogit_NY, int64_t begin, int64_t end) {
  backward(args, dloss_N, dlogit_NY, begin, end);
}

HETERODYNE_CLONES void cross_entropy_rows_back(const CrossEntropyArgs<double>& args, const double* dloss_N,
                                               double* dlogit_NY, int64_t begin, int64_t end) {
  backward(args, dloss_N, dlogit_NY, begin, end);
}

}  // namespace heterodyne::ops::internal
