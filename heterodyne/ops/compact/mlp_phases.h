// Forward pass of feed-forward experts over panels of their weights, which may be compact: in two phases, hidden values
// of all rows and then their answers, so that a single row keeps all threads busy; or chunk by chunk. Raw pointers.
//
// Letters: T tokens, D width, O output width, F hidden width of one expert, N chosen pairs.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "heterodyne/ops/expert_mlp_cpu.h"

namespace heterodyne::ops::internal {

struct MlpPhases {
  const std::vector<MlpKernel>& kernels;  // by expert
  const std::vector<size_t>& order;       // experts with rows, the most work first
  const std::vector<int64_t>& offsets;    // where the pairs of each expert begin
};
/// Whether each of these experts has panels or compact matrices.
bool can_run_phases(const MlpPhases& phases);
struct PhaseCall {
  const float* x_TD;
  int64_t num_tokens;
  const int64_t* token_N;
  float* y_NO;                            // answers of all pairs, without their weights
  float* pre = nullptr;                   // where hidden values are kept, as expert_mlp_cpu.h has them; null: nowhere
  const int64_t* pre_offset_E = nullptr;  // where those of each expert begin; -1: of this one they are not kept
};
/// The same bits for any number of threads, and in float32 those of mlp_forward() on panels.
void run_phases(const MlpPhases& phases, const PhaseCall& call);

/// The same answers for all of one expert's pairs or for some, at once: enough experts with many rows need no phases,
/// and hidden values stay in a cache. call.y_NO is not used. What it refers to must outlive it; it may be called by
/// many threads at a time.
using AnswerChunk = std::function<void(size_t expert, const MlpChunk& chunk, float* y_nO)>;
AnswerChunk whole_chunks(const MlpPhases& phases, const PhaseCall& call);

}  // namespace heterodyne::ops::internal
