// Log mixture: each token's log of the weighted sum of its experts' exponentiated answers, for experts that answer with
// log-probabilities: y = log sum w exp(a), the log-likelihood of a mixture (Jacobs et al. 1991, equation 1.3).
//
// Letters: T tokens, O output width, E experts, N chosen pairs, n rows of one expert.
#pragma once

#include <vector>

#include "heterodyne/ops/routing_plan.h"

namespace heterodyne::ops {

/// y_TO[t] = log of the sum over the pairs p of t of weight_N[p] * exp(y[expert of p][row of p]), by log-sum-exp:
/// neither overflows nor underflows, however far apart the answers are. Arguments, dtypes and errors as in combine(). A
/// pair whose weight is not positive counts as absent; a token without pairs gets zeros. Plain tensor operations on any
/// device, with gradient to answers and weights; memory of a few [N, O].
torch::Tensor log_mixture(const std::vector<torch::Tensor>& y_of_expert, const torch::Tensor& weight_N,
                          const RoutingPlan& plan, int64_t output_width);

}  // namespace heterodyne::ops
