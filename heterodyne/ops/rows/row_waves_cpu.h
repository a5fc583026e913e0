// The kernel behind RowWaves: raw pointers, a range of tokens at a time.
//
// Letters: T tokens, E experts, N chosen pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heterodyne::ops::internal {

/// Rows of some experts' pairs.
struct WaveRows {
  const int64_t* token_N;
  const int64_t* offset_E1;                 // the pairs of expert e begin at offset_E1[e]
  const float* weight_N;                    // of each pair; null: 1
  std::vector<size_t> experts;              // in rising order
  std::vector<const float*> row_of_expert;  // the first row of each of them
  int64_t width;
};
/// sum[t] += weight_N[p] * row p for the pairs p of these experts whose token t is in [begin, end), expert by expert.
void add_rows(const WaveRows& rows, int64_t begin, int64_t end, float* sum_TW);

}  // namespace heterodyne::ops::internal
