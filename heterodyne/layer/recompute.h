// Recompute: an expert whose forward pass is repeated in the backward pass instead of kept (nn/recompute.h), so that
// between the two only its rows are held and none of its hidden values. Draws are functions of step and token, so the
// second pass draws what the first did, and answers and gradients are the same.
#pragma once

#include <memory>

#include "heterodyne/layer/expert.h"

namespace heterodyne {

/// The same expert, recomputed; for the time of one forward and backward pass, between which the expert's mode does not
/// change. It shares the expert's parameters and has none of its own. Gradients have none in their turn: a second
/// derivative throws Error.
std::shared_ptr<Expert> recomputed(std::shared_ptr<Expert> expert);

}  // namespace heterodyne
