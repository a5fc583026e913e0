// Combine: each token's sum of what its experts answered, times the weights of its pairs.
//
// Letters: T tokens, O output width, E experts, N chosen pairs, n rows of one expert.
#pragma once

#include <vector>

#include "heterodyne/ops/routing_plan.h"

namespace heterodyne::ops {

/// y_TO[t] = sum over the pairs p of t, in order of choice, of weight_N[p] * y[expert of p][row of p].
/// `y_of_expert[e]` is [n, O] in the order of the plan; it may be undefined where the expert has no rows. weight_N is
/// float32 or float64 and may require a gradient; the result has the dtype of the experts' outputs and sums in
/// float32 at least. A token without pairs gets zeros.
/// Gradients: dy[e][row] = weight * dy_TO[t] and dweight[p] = <dy_TO[t], y[e][row]>.
/// The same bits for any number of threads.
/// Throws ShapeError when a tensor does not fit the plan or all outputs are undefined while there are pairs.
torch::Tensor combine(const std::vector<torch::Tensor>& y_of_expert, const torch::Tensor& weight_N,
                      const RoutingPlan& plan, int64_t output_width);

}  // namespace heterodyne::ops
