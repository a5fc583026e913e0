#include "heterodyne/ops/routing_plan_cpu.h"

namespace heterodyne::ops::internal {

int64_t count_pairs(const PlanShape& shape, const int64_t* expert_TK, int64_t* count_E) {
  for (int64_t e = 0; e < shape.num_experts; ++e) count_E[e] = 0;
  int64_t num_pairs = 0;
  for (int64_t i = 0; i < shape.num_tokens * shape.num_choices; ++i) {
    const int64_t expert = expert_TK[i];
    if (expert < -1 || expert >= shape.num_experts) return -1 - i;
    if (expert == -1) continue;
    ++count_E[expert];
    ++num_pairs;
  }
  return num_pairs;
}

void fill_plan(const PlanShape& shape, const int64_t* expert_TK, int64_t* next_E, const PlanPointers& plan) {
  int64_t place = 0;
  for (int64_t token = 0; token < shape.num_tokens; ++token) {
    plan.token_offset_T1[token] = place;
    for (int64_t choice = 0; choice < shape.num_choices; ++choice) {
      const int64_t expert = expert_TK[token * shape.num_choices + choice];
      if (expert == -1) continue;
      const int64_t pair = next_E[expert]++;
      plan.token_N[pair] = token;
      plan.expert_N[pair] = expert;
      plan.choice_N[pair] = choice;
      plan.pair_of_token_N[place++] = pair;
    }
  }
  plan.token_offset_T1[shape.num_tokens] = place;
}

}  // namespace heterodyne::ops::internal
