#include "heterodyne/ops/rows/row_waves_cpu.h"

#include <algorithm>

#include "heterodyne/ops/panels_cpu.h"

namespace heterodyne::ops::internal {

void add_rows(const WaveRows& rows, int64_t begin, int64_t end, float* sum_TW) {
  for (size_t i = 0; i < rows.experts.size(); ++i) {
    const int64_t first = rows.offset_E1[rows.experts[i]], last = rows.offset_E1[rows.experts[i] + 1];
    const int64_t* const tokens_end = rows.token_N + last;
    const int64_t* token = std::lower_bound(rows.token_N + first, tokens_end, begin);  // they rise within an expert
    for (; token != tokens_end && *token < end; ++token) {
      const int64_t pair = token - rows.token_N;
      add_scaled(rows.row_of_expert[i] + (pair - first) * rows.width, rows.weight_N ? rows.weight_N[pair] : 1,
                 rows.width, sum_TW + *token * rows.width);
    }
  }
}

}  // namespace heterodyne::ops::internal
