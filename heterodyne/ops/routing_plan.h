// Routing plan: which rows go to which expert, and the way back.
//
// Letters: T tokens, K choices per token, E experts, N chosen pairs (token, expert).
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// int64 tensors on one device. Pairs are sorted by expert, then token, then choice, so the rows of an expert are
/// one slice. The same bits for any number of threads.
struct RoutingPlan {
  torch::Tensor token_N;
  torch::Tensor expert_N;
  torch::Tensor choice_N;             // 0 for a token's first choice, 1 for its second ...
  torch::Tensor pair_of_token_N;      // the pairs of token t, in order of choice, are
  torch::Tensor token_offset_T1;      //   pair_of_token_N[token_offset_T1[t] .. token_offset_T1[t + 1])
  torch::Tensor tokens_per_expert_E;  // sums to N

  int64_t num_pairs() const { return token_N.size(0); }
  int64_t num_tokens() const { return token_offset_T1.size(0) - 1; }
  int64_t num_experts() const { return tokens_per_expert_E.size(0); }
  /// E + 1 entries: the pairs of expert e are [offsets[e], offsets[e + 1]).
  std::vector<int64_t> expert_offsets() const;
};

/// Counting sort of expert_TK (int64 [T, K], CPU): the position of each token's choices, or -1 for no choice, so a
/// token may have any number of choices up to K. One pass over the pairs, O(N + E + T).
/// Throws ShapeError unless expert_TK is a two-dimensional int64 CPU tensor with entries in -1 .. num_experts - 1.
RoutingPlan plan_routing(const torch::Tensor& expert_TK, int64_t num_experts);

}  // namespace heterodyne::ops
