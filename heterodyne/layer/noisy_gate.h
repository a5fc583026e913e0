// Noisy top-k gating (Shazeer et al. 2017, section 2.1 and appendix A): scores with learned noise, what the best of
// them weigh, and how likely each would be among the best if its own noise were drawn anew.
//
// Letters: T tokens, E experts (or groups of them), K choices per token.
#pragma once

#include <string>

#include "heterodyne/base/torch.h"

namespace heterodyne {

struct GateScores {
  torch::Tensor clean_TE;  // x W_gate
  torch::Tensor std_TE;    // of the noise; undefined without noise
  torch::Tensor noisy_TE;  // H(x): clean_TE when there is no noise
};

/// Scores without noise.
GateScores quiet_scores(const torch::Tensor& clean_TE);
/// clean_TE + draw_TE x (softplus(raw_std_TE) + floor), equation 4; the paper's floor is 0, that of Tensor2Tensor 0.01.
/// `draw_TE` is standard normal. A standard deviation is at least 1e-6, so that it can be divided by.
GateScores noisy_scores(const torch::Tensor& clean_TE, const torch::Tensor& raw_std_TE, const torch::Tensor& draw_TE,
                        double floor);

struct GateChoice {
  torch::Tensor expert_TK;  // int64, best first
  torch::Tensor weight_TK;  // G(x): the softmax of the scores that are kept
  /// P(x, i), equation 9, with gradient to the clean score, to the threshold, which is another's noisy score, and to
  /// the standard deviation. Without noise, or when all are kept: 1 for what is kept and 0 for the rest. Its sum over
  /// the tokens is the load.
  torch::Tensor keep_TE;
};

/// Keeps the k best scores of each token, 1 <= k <= E. Throws Error naming `where` when a score is NaN.
GateChoice keep_best(const GateScores& scores, int64_t k, const std::string& where);

}  // namespace heterodyne
