// Knock-out: what one expert is good for, found by taking it away.
//
// A pair of the expert is left out, and the weights of the token's other pairs are scaled up to the same sum. A token
// whose only expert it is gets none. Nothing is trained in between.
//
// Letters: E experts, Y classes.
#pragma once

#include <memory>
#include <vector>

#include "heterodyne/eval/pass.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

/// `routing` without the expert at this position. Where the other weights of a token are all 0 they stay 0.
Routing without_expert(const Routing& routing, int64_t position);

/// Of every MoE layer, in one pass: each batch goes through the network once as it is and once for each expert of each
/// layer. The network is as before afterwards, also after an exception.
std::vector<KnockOut> knock_out(Network& network, Loader& loader, const PassOptions& pass);

}  // namespace heterodyne
