#include "heterodyne/ops/gates/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/gates/gate_cpu.h"
#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/panels.h"
#include "heterodyne/ops/panels_cpu.h"
#include "heterodyne/ops/routing_plan.h"
#include "heterodyne/ops/scratch.h"
#include "heterodyne/ops/top_k.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kTokens = 32;  // of a task: their logits stay in a cache

struct GateInput {
  const torch::Tensor &x_TD, &matrix_ED, &panels;
};
struct GateWishes {
  int64_t k;
  std::string where;
  bool wants_log_sum_exp;
};

// One task for a few tokens: their logits panel by panel, then the best of each.
GateChoice find_all(const GateInput& input, const GateWishes& wishes) {
  const auto& [x_TD, matrix_ED, panels] = input;
  const auto& [k, where, wants_log_sum_exp] = wishes;
  const int64_t T = x_TD.size(0), D = x_TD.size(1), E = matrix_ED.size(0);
  GateChoice found{torch::empty({T, k}, torch::kInt64), torch::empty({T, k}, torch::kFloat32)};
  if (wants_log_sum_exp) found.log_sum_exp_T = torch::empty({T}, torch::kFloat32);
  const float *x = x_TD.const_data_ptr<float>(), *packed = panels.const_data_ptr<float>();
  int64_t* expert = found.expert_TK.data_ptr<int64_t>();
  float* logit = found.logit_TK.data_ptr<float>();
  float* sum = wants_log_sum_exp ? found.log_sum_exp_T.data_ptr<float>() : nullptr;
  std::atomic<int64_t> bad = T;
  for_each_task((T + kTokens - 1) / kTokens, [&](int64_t task) {
    const int64_t first = task * kTokens, count = std::min(kTokens, T - first);
    float* logits = thread_scratch(kTokens * E);
    for (int64_t p = 0; p < internal::num_panels(E); ++p) {
      internal::panel_gemm({nullptr, packed, E, D}, p, {x + first * D, count, logits + p * internal::kPanel, E},
                           nullptr);
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t token = first + i;
      if (!internal::best_of_row(logits + i * E, E, k, expert + token * k, logit + token * k)) {
        for (int64_t known = bad; token < known && !bad.compare_exchange_weak(known, token);) {
        }
        return;
      }
    }
    if (sum) internal::log_sum_exp_of_rows(logits, count, E, logit + first * k, k, sum + first);
  });
  if (bad < T) {
    top_k(x_TD.matmul(matrix_ED.t()), k, where);  // throws with how many there are
    throw Error(where, fmt::format("scores: expected numbers, got NaN for token {}", bad.load()));
  }
  return found;
}

// Where this gate's part of dx is added to: the given one, itself when nobody else holds it, or zeros.
torch::Tensor sum_onto(const torch::Tensor& given_TD, const torch::Tensor& x_TD) {
  if (!given_TD.defined()) return torch::zeros(x_TD.sizes());
  const bool is_held = given_TD.use_count() > 1 || given_TD.storage().use_count() > 1;
  return is_held || !given_TD.is_contiguous() ? given_TD.clone(at::MemoryFormat::Contiguous) : given_TD;
}

// From the chosen logits alone: each token's sum over its choices, added to dx_TD, and each expert's over its tokens.
torch::Tensor sparse_gradients(const torch::Tensor& dlogit_TK, const torch::Tensor& expert_TK,
                               const torch::Tensor& x_TD, const torch::Tensor& matrix_ED, torch::Tensor dx_TD) {
  const int64_t T = x_TD.size(0), D = x_TD.size(1), E = matrix_ED.size(0), K = expert_TK.size(1);
  auto dmatrix_ED = torch::zeros({E, D});
  const auto plan = plan_routing(expert_TK, E);
  const auto offsets = plan.expert_offsets();
  const auto *token_N = plan.token_N.const_data_ptr<int64_t>(), *choice_N = plan.choice_N.const_data_ptr<int64_t>(),
             *expert = expert_TK.const_data_ptr<int64_t>();
  const auto *dlogit = dlogit_TK.const_data_ptr<float>(), *x = x_TD.const_data_ptr<float>(),
             *matrix = matrix_ED.const_data_ptr<float>();
  auto *dx = dx_TD.data_ptr<float>(), *dmatrix = dmatrix_ED.data_ptr<float>();
  parallel_for(0, T, kTokens, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * K; i < end * K; ++i) {
      internal::add_scaled(matrix + expert[i] * D, dlogit[i], D, dx + i / K * D);
    }
  });
  for_each_task(E, [&](int64_t e) {
    for (int64_t n = offsets[static_cast<size_t>(e)]; n < offsets[static_cast<size_t>(e) + 1]; ++n) {
      internal::add_scaled(x + token_N[n] * D, dlogit[token_N[n] * K + choice_N[n]], D, dmatrix + e * D);
    }
  });
  return dmatrix_ED;
}

struct Gate : torch::autograd::Function<Gate> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& x_TD, const torch::Tensor& matrix_ED,
                               const torch::Tensor& panels, const GateWishes& wishes) {
    const GateChoice choice = find_all({x_TD, matrix_ED, panels}, wishes);
    ctx->save_for_backward({x_TD, matrix_ED, choice.expert_TK});
    ctx->mark_non_differentiable({choice.expert_TK});
    ctx->set_materialize_grads(false);
    variable_list output{choice.expert_TK, choice.logit_TK, x_TD.detach()};
    if (wishes.wants_log_sum_exp) output.push_back(choice.log_sum_exp_T);
    return output;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.gate_top_k] there are no second derivatives");
    const auto saved = ctx->get_saved_variables();
    const auto &x_TD = saved[0], &matrix_ED = saved[1], &expert_TK = saved[2];
    auto dx_TD = sum_onto(grad[2], x_TD);
    torch::Tensor dmatrix_ED;
    if (grad[1].defined()) dmatrix_ED = sparse_gradients(grad[1].contiguous(), expert_TK, x_TD, matrix_ED, dx_TD);
    if (grad.size() > 3 && grad[3].defined()) {
      const auto dlogit_TE = x_TD.matmul(matrix_ED.t()).softmax(1) * grad[3].unsqueeze(1);
      dx_TD.addmm_(dlogit_TE, matrix_ED);
      const auto all_ED = matrix_gradient(dlogit_TE, x_TD);
      dmatrix_ED = dmatrix_ED.defined() ? dmatrix_ED + all_ED : all_ED;
    }
    return {dx_TD, dmatrix_ED, {}, {}};  // nothing for the panels and the wishes
  }
};

}  // namespace

bool can_run_gate(const torch::Tensor& x_TD, const torch::Tensor& matrix_ED) {
  return is_kernel_input(x_TD) && is_kernel_input(matrix_ED);
}

GateChoice gate_top_k(const torch::Tensor& x_TD, const torch::Tensor& matrix_ED, int64_t k, const std::string& where,
                      bool wants_log_sum_exp, const torch::Tensor& panels) {
  check_shape(where, "matrix_ED", matrix_ED, {"E", "D"});
  check_shape(where, "x_TD", x_TD, {"T", {"D", matrix_ED.size(1)}});
  if (k < 1 || k > matrix_ED.size(0)) {
    throw ShapeError(where, fmt::format("top {}: expected at most E = {}", k, matrix_ED.size(0)));
  }
  if (panels.defined() && panels.numel() != matrix_ED.numel()) {
    throw ShapeError(where, fmt::format("panels: expected {} values, got {}", matrix_ED.numel(), panels.numel()));
  }
  const auto packed = panels.defined() ? panels : pack_panels(matrix_ED);
  const auto x = x_TD.contiguous(), matrix = matrix_ED.contiguous();
  const bool may_need_gradients = torch::GradMode::is_enabled() && (x.requires_grad() || matrix.requires_grad());
  const GateWishes wishes{k, where, wants_log_sum_exp};
  if (!may_need_gradients) return find_all({x, matrix, packed}, wishes);
  const auto output = Gate::apply(x, matrix, packed, wishes);
  return {output[0], output[1], wants_log_sum_exp ? output[3] : torch::Tensor(),
          x.requires_grad() ? output[2] : torch::Tensor()};
}

}  // namespace heterodyne::ops
