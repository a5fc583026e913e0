// Random routers: the control for what a trained router decides. The same network and data, but routers of the same
// kind and settings with untrained initial values. What they show too, training did not make.
#pragma once

#include <vector>

#include "heterodyne/eval/pass.h"
#include "heterodyne/eval/routing_recorder.h"

namespace heterodyne {

/// One pass with the routers of all layers untrained, drawn from `seed`; take another than the network's own. The
/// network is as before afterwards, also after an exception.
std::vector<LayerProfile> random_router_profile(Network& network, Loader& loader, const PassOptions& pass,
                                                const RecorderOptions& options, uint64_t seed);

}  // namespace heterodyne
