// The kernel behind plan_routing(): raw pointers, no allocation.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

struct PlanShape {
  int64_t num_tokens;
  int64_t num_choices;
  int64_t num_experts;
};

/// Fills count_E and returns the number of pairs, or -1 - i when entry i is not in -1 .. num_experts - 1.
int64_t count_pairs(const PlanShape& shape, const int64_t* expert_TK, int64_t* count_E);

struct PlanPointers {
  int64_t* token_N;
  int64_t* expert_N;
  int64_t* choice_N;
  int64_t* pair_of_token_N;
  int64_t* token_offset_T1;
};

/// `next_E` holds the first pair of each expert and is consumed.
void fill_plan(const PlanShape& shape, const int64_t* expert_TK, int64_t* next_E, const PlanPointers& plan);

}  // namespace heterodyne::ops::internal
