// REAP: how much each expert contributes where it works, by which experts can be chosen for removal (Lasby et al. 2025,
// "REAP the experts"): the mean over the tokens of an expert of its weight times the length of its answer.
//
// Letters: E experts.
#pragma once

#include <vector>

#include "heterodyne/eval/pass.h"

namespace heterodyne {

/// One score for each expert of each MoE layer, by position; 0 for an expert without tokens. One pass, in eval mode,
/// that runs each expert once more on its rows.
std::vector<std::vector<double>> reap_scores(Network& network, Loader& loader, const PassOptions& pass);

}  // namespace heterodyne
