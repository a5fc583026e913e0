// Permute: the rows of each expert, gathered from the tokens that chose it.
//
// Letters: T tokens, D width, E experts, n rows of one expert.
#pragma once

#include <vector>

#include "heterodyne/ops/routing_plan.h"

namespace heterodyne::ops {

/// Gathers x_TD (any floating dtype, CPU) into one tensor [n, D] for each expert; [0, D] where nobody chose it.
/// Gradient: dx of a token is the sum over its pairs, added in order of choice.
/// The same bits for any number of threads.
/// Throws ShapeError unless x_TD has plan.num_tokens() rows.
std::vector<torch::Tensor> permute(const torch::Tensor& x_TD, const RoutingPlan& plan);

}  // namespace heterodyne::ops
