// The kernel behind cached_attention(): raw pointers, one group of query heads of one sequence at a time.
#pragma once

#include <cstdint>
#include <vector>

namespace heterodyne::ops::internal {

/// Keys and values of one head, rows of C values.
struct CachedPart {
  const float *key, *value;
  int64_t size, key_stride, value_stride;
};

struct CachedGroup {
  const std::vector<CachedPart>& parts;  // P rows in all
  const float* query;                    // [heads, S, C]
  const float* sink;                     // by head, or null
  float* answer;                         // as query
  int64_t heads, S, P, C, window;
};

/// Floats that attend_group() works in.
inline int64_t cached_work_size(const CachedGroup& group) { return group.heads * group.S * group.P; }
void attend_group(const CachedGroup& group, float* score_RP);

}  // namespace heterodyne::ops::internal
