// Expert scores: how much each expert of a network is worth, by which the least worthy can be removed.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/pass.h"

namespace heterodyne {

/// One number for each expert of each MoE layer, by position; the lowest is the first to go. `by` is
///   load       its share of the layer's assignments
///   reap       see reap.h
///   knockout   how much the loss rises without it, see knock_out.h
/// Passes over the loader: one, one, and one for each expert and one more. Throws ConfigError for another word.
std::vector<std::vector<double>> expert_scores(const std::string& by, Network& network, Loader& loader,
                                               const PassOptions& pass);

}  // namespace heterodyne
