// Merge: two feed-forward experts become one by the average of their weights. Hidden neurons have no order of their
// own, so they are matched first: each of one expert with the one of the other that is most like it, all pairs together
// as like as can be (Ainsworth et al. 2023, "Git re-basin", section 3.2; for experts: Li et al. 2024, MC-SMoE).
//
// Letters: F hidden neurons, D width, O output width.
#pragma once

#include <cstdint>
#include <vector>

#include "heterodyne/layer/resize.h"
#include "heterodyne/ops/expert_mlp.h"

namespace heterodyne {

/// For each hidden neuron of `one` the neuron of `other` that goes with it, so that the sum of the products of their
/// weights, in and out, is largest: other's weights in that order are as near to one's as they can be. Both have F
/// neurons. O(F^3).
std::vector<int64_t> matched_neurons(const ops::ExpertMlp& one, const ops::ExpertMlp& other);

/// Makes the expert `id` the average of it and `other_id`, weighted with `weight` and `other_weight`, which are not
/// both zero, and removes the other. Its entries in the router are averaged likewise. Neurons of the other that match
/// equal ones average to them: merging an expert with a copy of it in another order changes nothing. Throws Error when
/// one is not in the layer, when they are the same, and when they are no feed-forward experts of one group and size.
Resized merge_experts(MoeLayer& layer, int64_t id, int64_t other_id, double weight = 1, double other_weight = 1);

}  // namespace heterodyne
