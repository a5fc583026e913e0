// Gate of a token that chooses how many experts it wants: every expert whose cosine lies above that expert's threshold
// (Guo et al. 2024, arXiv 2405.14297, equations 3 to 5), in one pass over the scores.
//
// Letters: T tokens, E experts, K most choices of a token.
#pragma once

#include <string>

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// Scores of each token: cosine = dot / length. float32 or float64 on a CPU, all of one type.
struct AnyGateInput {
  torch::Tensor dot_TE;       // products with unit vectors
  torch::Tensor length_T1;    // of the tokens, above zero
  torch::Tensor threshold_E;  // what a cosine must exceed
  torch::Tensor scale;        // one value
  bool takes_best = false;    // a token that no expert wants gets that of the highest cosine, the first of equal ones
};

struct AnyGateChoice {
  torch::Tensor expert_TK;  // int64, highest cosine first, equal ones by position; -1 behind the last
  torch::Tensor gate_TK;    // 1 where there is an expert, otherwise 0
  torch::Tensor logit_TE;   // scale x cosine
};

/// The step of a gate has the gradient of sigmoid(scale x cosine) - sigmoid(scale x threshold) where it is 1, and none
/// where it is 0 (straight-through). Gradients of dot_TE, length_T1, threshold_E and scale. The same bits for any
/// number of threads. Throws ShapeError when a tensor does not fit, and Error naming `where` and the first token whose
/// scores hold a NaN.
AnyGateChoice any_gate(const AnyGateInput& input, const std::string& where);

}  // namespace heterodyne::ops
