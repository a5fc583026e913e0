#include "cli/bench/rival.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

namespace heterodyne {

RivalRegistry empty_rivals() { return RivalRegistry("rival"); }

PlainChoice plain_choice(const torch::Tensor& x_TD, const torch::Tensor& gate_ED, int64_t k) {
  const auto [logit_TK, expert_TK] = at::linear(x_TD, gate_ED).topk(k, -1);
  return {expert_TK, logit_TK.softmax(-1)};
}

torch::Tensor PlainExpert::forward(const torch::Tensor& x_ND) const {
  return at::linear(at::silu(at::linear(x_ND, w1_FD)) * at::linear(x_ND, w3_FD), w2_DF);
}

}  // namespace heterodyne
