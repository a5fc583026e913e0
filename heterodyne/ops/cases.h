// One table of sizes for the tests and benchmarks of every op: usual ones, and odd ones that find mistakes.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

struct Case {
  enum class Pattern { kUniform, kOneExpert, kUnusedExpert, kVariableK, kNobody };
  std::string name;
  int64_t num_tokens;
  int64_t width;
  int64_t num_experts;
  int64_t num_choices;
  Pattern pattern = Pattern::kUniform;
};

inline std::vector<Case> cases() {
  using P = Case::Pattern;
  return {
      {"usual", 64, 32, 4, 2},
      {"no_tokens", 0, 8, 4, 2},
      {"one_token", 1, 8, 4, 2},
      {"one_expert", 17, 8, 1, 1},
      {"k_is_E", 9, 16, 3, 3},
      {"odd_width", 33, 100, 5, 2},
      {"prime_sizes", 37, 37, 7, 3},
      {"narrow", 50, 1, 4, 2},
      {"all_on_one_expert", 40, 16, 4, 1, P::kOneExpert},
      {"an_unused_expert", 40, 16, 4, 2, P::kUnusedExpert},
      {"any_k_per_token", 41, 24, 6, 4, P::kVariableK},
      {"nobody_routed", 12, 8, 4, 2, P::kNobody},
      {"many_experts", 300, 20, 129, 8},
  };
}

/// expert_TK for a case: different experts in each row, -1 where a token has fewer choices.
inline torch::Tensor choices_of(const Case& c) {
  const RandomStream stream("cases." + c.name);
  auto score_TE = stream.uniform({1, 0}, {c.num_tokens, c.num_experts});
  if (c.pattern == Case::Pattern::kOneExpert) score_TE.select(1, c.num_experts / 2) += 2;
  if (c.pattern == Case::Pattern::kUnusedExpert) score_TE.select(1, 1) -= 2;
  auto expert_TK = std::get<1>(score_TE.topk(c.num_choices, 1));
  if (c.pattern == Case::Pattern::kNobody) expert_TK.fill_(-1);
  if (c.pattern == Case::Pattern::kVariableK) {
    expert_TK.masked_fill_(stream.uniform({1, 1}, {c.num_tokens, c.num_choices}) < 0.5, -1);
  }
  return expert_TK;
}

}  // namespace heterodyne::ops
