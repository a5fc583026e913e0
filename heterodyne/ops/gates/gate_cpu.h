// The kernels behind gate_top_k(): raw pointers, a few tokens at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

/// Positions and values of the k largest of `count` logits, best first, equal ones by position. False when one is NaN.
bool best_of_row(const float* logits, int64_t count, int64_t k, int64_t* position_K, float* logit_K);

/// The log of the sum of exp(logits) of each row, whose largest is largest[row * stride].
void log_sum_exp_of_rows(const float* logits, int64_t rows, int64_t count, const float* largest, int64_t stride,
                         float* sums);

}  // namespace heterodyne::ops::internal
