// The kernels behind cross_entropy_of_rows(): raw pointers, a range of rows at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

template <class Scalar>
struct CrossEntropyArgs {
  const Scalar* logit_NY;
  const int64_t* label_N;
  Scalar* log_sum_N;  // log of the sum of exponentials: written forward, read back
  int64_t Y;
};

/// loss = log_sum - logit at the label
void cross_entropy_rows(const CrossEntropyArgs<float>& args, float* loss_N, int64_t begin, int64_t end);
void cross_entropy_rows(const CrossEntropyArgs<double>& args, double* loss_N, int64_t begin, int64_t end);

/// dlogit = dloss (exp(logit - log_sum) - 1 at the label)
void cross_entropy_rows_back(const CrossEntropyArgs<float>& args, const float* dloss_N, float* dlogit_NY, int64_t begin,
                             int64_t end);
void cross_entropy_rows_back(const CrossEntropyArgs<double>& args, const double* dloss_N, double* dlogit_NY,
                             int64_t begin, int64_t end);

}  // namespace heterodyne::ops::internal
