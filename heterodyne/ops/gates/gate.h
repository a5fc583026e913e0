// Gate: the logits of a linear gate and each token's k best of them in one pass, which never holds all logits of all
// tokens (Shazeer et al. 2017, equation 3, without noise).
//
// Letters: T tokens, D width, E experts, K choices per token.
#pragma once

#include <string>

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// Whether gate_top_k() takes these here: float32 on a CPU, a kernel path in use (isa.h).
bool can_run_gate(const torch::Tensor& x_TD, const torch::Tensor& matrix_ED);

struct GateChoice {
  torch::Tensor expert_TK;           // int64, best first, equal logits by position
  torch::Tensor logit_TK;            // with gradient
  torch::Tensor log_sum_exp_T = {};  // of all E logits, with gradient; undefined unless asked for
  /// x_TD again; undefined where no gradient of it is wanted. The gradient of who reads the tokens from here is what
  /// the gate adds its own to, in place, so that there is one of them in memory and not three.
  torch::Tensor x_TD = {};
};

/// Each token's k best experts by x W^T. Gradients of x_TD and matrix_ED; that of log_sum_exp_T makes all logits again.
/// `panels` are those of matrix_ED (panels.h), made here where there are none. The same bits for any number of threads.
/// Throws ShapeError unless matrix_ED is [E, D] with 1 <= k <= E, and Error naming `where` and the first token whose
/// logits hold a NaN.
GateChoice gate_top_k(const torch::Tensor& x_TD, const torch::Tensor& matrix_ED, int64_t k, const std::string& where,
                      bool wants_log_sum_exp = false, const torch::Tensor& panels = {});

}  // namespace heterodyne::ops
