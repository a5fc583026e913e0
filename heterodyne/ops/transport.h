// Transport: fractional plans of how much of each row (token) goes to each column (expert), the ones closest to given
// scores whose sums are prescribed. Computed in float64 with logarithms, so no score overflows; without a gradient; the
// same bits for any number of threads.
//
// Letters: T rows (tokens), E columns (experts).
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// When to stop.
struct PlanEffort {
  int64_t iterations = 100;  // at most
  double tolerance = 1e-4;   // or when the mean relative change of the columns' factors is less
};

/// float64 [T, E]: exp(logit_TE) scaled by a factor for each row and one for each column, so that rows sum to 1 / T and
/// columns to 1 / E (Sinkhorn 1967; Cuturi 2013, algorithm 1). The last step scales rows.
torch::Tensor sinkhorn_plan(const torch::Tensor& logit_TE, const PlanEffort& effort);

/// What the plan of capped_plan() must keep.
struct PlanCaps {
  double column_sum = 1;    // of each column
  double row_most = 1;      // of each row
  double smoothing = 1e-3;  // weight of the entropy
  int64_t iterations = 100;
};

/// float64 [T, E]: the logarithm of the plan A that maximises sum of score x A + smoothing x entropy(A) with column
/// sums as given, row sums of at most row_most and 0 <= A <= 1, by Dykstra's algorithm with Bregman projections (Zhou
/// et al. 2022, "Mixture-of-Experts with Expert Choice Routing", equation 3; Benamou et al. 2015, section 5).
torch::Tensor capped_plan(const torch::Tensor& score_TE, const PlanCaps& caps);

}  // namespace heterodyne::ops
