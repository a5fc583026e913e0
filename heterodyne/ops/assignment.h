// Assignment: which rows (tokens) go to which columns (experts) so that the sum of scores is large and no column gets
// more than its share. Plain decisions without a gradient.
//
// Letters: T rows (tokens), E columns (experts).
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// int64 [T]: one column for each row of score_TE (floating point, CPU, finite), such that the columns get
/// floor(T / E) or ceil(T / E) rows each and the sum of the chosen scores is the largest possible. Rows enter one by
/// one along the cheapest chain of moves (successive shortest paths, Ahuja et al. 1993, section 9.7; the columns are
/// the only nodes), about O(T E^2 + T E log T). One thread computes it, in float64, so the result depends on nothing
/// else. Throws ShapeError unless score_TE has two dimensions and at least one column.
torch::Tensor balanced_assignment(const torch::Tensor& score_TE);

/// How many pairs there may be.
struct PairLimits {
  int64_t per_column = 1;
  int64_t per_row = 1;
};

/// bool [T, E]: pairs taken in the order of rank_TE (float64), the highest first and ties by position, as far as the
/// limits allow; then columns with room left are filled by moving pairs of the others, until the number of pairs is the
/// largest possible.
torch::Tensor limited_pairs(const torch::Tensor& rank_TE, const PairLimits& limits);

}  // namespace heterodyne::ops
