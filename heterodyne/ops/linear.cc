#include "heterodyne/ops/linear.h"

#include <algorithm>
#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/linear_cpu.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops {
namespace {

// A matrix so large that LibTorch would give its memory back to the system after each step is kept.
torch::Tensor room_for(int64_t rows, int64_t columns) {
  constexpr int64_t kLarge = 1 << 23;  // floats, 32 MB
  return rows * columns < kLarge ? torch::empty({rows, columns}, torch::kFloat32)
                                 : kept_buffer(rows * columns).view({rows, columns});
}

using internal::kLinearRows;
using internal::kPanel;
using internal::num_panels;
using internal::panel_width;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const float* values_of(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

// One task for each block of rows and each few panels.
void run_blocks(const internal::PanelProduct& whole) {
  const int64_t blocks = (whole.rows + kLinearRows - 1) / kLinearRows, panels = num_panels(whole.columns);
  const int64_t panels_a_task = blocks < 8 ? 1 : 8;  // few rows: threads share the panels
  const int64_t ranges = (panels + panels_a_task - 1) / panels_a_task;
  for_each_task(blocks * ranges, [&](int64_t task) {
    const int64_t first = task / ranges * kLinearRows, begin = task % ranges * panels_a_task;
    internal::PanelProduct part = whole;
    part.a += first * whole.depth;
    part.y += first * whole.columns;
    part.rows = std::min(kLinearRows, whole.rows - first);
    internal::panel_product(part, begin, std::min(begin + panels_a_task, panels));
  });
}

// The panels of the transposed matrix, or of the matrix as it is.
torch::Tensor packed(const torch::Tensor& matrix_OI, bool is_transposed) {
  const int64_t O = matrix_OI.size(0), I = matrix_OI.size(1);
  const auto panels = kept_buffer(O * I);
  const float* from = matrix_OI.const_data_ptr<float>();
  float* to = panels.data_ptr<float>();
  for_each_task(num_panels(is_transposed ? O : I), [&](int64_t p) {
    if (is_transposed) {
      internal::pack_transposed(from, O, I, p, to + p * kPanel * I, panel_width(O, p));
    } else {
      internal::pack_columns(from, O, I, p, to + p * kPanel * O, panel_width(I, p));
    }
  });
  return panels;
}

torch::Tensor input_gradient(const torch::Tensor& dy_NO, const torch::Tensor& matrix_OI) {
  const int64_t N = dy_NO.size(0), O = matrix_OI.size(0), I = matrix_OI.size(1);
  auto dx_NI = room_for(N, I);
  const auto panels = packed(matrix_OI, false);
  run_blocks(
      {dy_NO.const_data_ptr<float>(), panels.const_data_ptr<float>(), dx_NI.data_ptr<float>(), N, O, I, nullptr});
  return dx_NI;
}

struct ParameterGradients {
  torch::Tensor dmatrix_OI, dbias_O;
};

ParameterGradients parameter_gradients(const torch::Tensor& dy_NO, const torch::Tensor& x_NI, bool wants_matrix,
                                       bool wants_bias) {
  const int64_t N = x_NI.size(0), I = x_NI.size(1), O = dy_NO.size(1);
  ParameterGradients found;
  // Without rows no kernel writes.
  if (wants_matrix) found.dmatrix_OI = N > 0 ? kept_buffer(O * I).view({O, I}) : torch::zeros({O, I});
  if (wants_bias) found.dbias_O = N > 0 ? torch::empty({O}, torch::kFloat32) : torch::zeros({O});
  torch::Tensor x_panels;
  if (wants_matrix) {
    const int64_t blocks = (N + kLinearRows - 1) / kLinearRows;
    x_panels = kept_buffer(blocks * kLinearRows * I);
    const auto row_N = torch::arange(N);
    const float* x = x_NI.const_data_ptr<float>();
    float* to = x_panels.data_ptr<float>();
    for_each_task(blocks, [&](int64_t block) {
      const int64_t first = block * kLinearRows, rows = std::min(kLinearRows, N - first);
      internal::gather_panels({x, row_N.const_data_ptr<int64_t>() + first, rows, internal::round_to_8(rows), I},
                              to + first * I);
    });
  }
  const internal::WeightGradient gradient{dy_NO.const_data_ptr<float>(),
                                          values_of(x_panels),
                                          wants_matrix ? found.dmatrix_OI.data_ptr<float>() : nullptr,
                                          wants_bias ? found.dbias_O.data_ptr<float>() : nullptr,
                                          N,
                                          I,
                                          O};
  for_each_task(num_panels(O),
                [&](int64_t p) { internal::weight_gradient(gradient, p, thread_scratch(kPanel * kLinearRows)); });
  return found;
}

struct Linear : torch::autograd::Function<Linear> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x_NI, const torch::Tensor& matrix_OI,
                               const std::optional<torch::Tensor>& bias_O, const std::optional<torch::Tensor>& panels) {
    ctx->save_for_backward({x_NI, matrix_OI});
    ctx->saved_data["has_bias"] = bias_O.has_value();
    const int64_t N = x_NI.size(0), O = matrix_OI.size(0), I = matrix_OI.size(1);
    auto y_NO = room_for(N, O);
    const auto own = panels ? *panels : packed(matrix_OI, true);
    run_blocks({x_NI.const_data_ptr<float>(), own.const_data_ptr<float>(), y_NO.data_ptr<float>(), N, I, O,
                bias_O ? bias_O->const_data_ptr<float>() : nullptr});
    return y_NO;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.linear] there are no second derivatives");
    const auto saved = ctx->get_saved_variables();
    const auto dy_NO = grad[0].contiguous();
    torch::Tensor dx_NI;
    if (ctx->needs_input_grad(0)) dx_NI = input_gradient(dy_NO, saved[1]);
    const auto found = parameter_gradients(dy_NO, saved[0], ctx->needs_input_grad(1),
                                           ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2));
    return {dx_NI, found.dmatrix_OI, found.dbias_O, {}};
  }
};

}  // namespace

bool can_run_linear(const torch::Tensor& x_NI, const torch::Tensor& matrix_OI) {
  if (!is_kernel_input(x_NI) || !is_kernel_input(matrix_OI)) return false;
  if (matrix_OI.size(0) < 8 || matrix_OI.size(1) < 8) return false;
  // Packing touches every weight once: it pays from some rows on.
  constexpr int64_t kRows = 24, kWork = 1 << 19;
  const int64_t rows = x_NI.numel() / matrix_OI.size(1);
  return rows >= kRows && rows * matrix_OI.numel() >= kWork;
}

torch::Tensor row_gradient(const torch::Tensor& dy_NO, const torch::Tensor& matrix_OI) {
  check_shape("row_gradient", "dy_NO", dy_NO, {"N", {"O", matrix_OI.size(0)}});
  const torch::NoGradGuard no_grad;
  const bool has_kernel = is_kernel_input(dy_NO) && is_kernel_input(matrix_OI);
  return has_kernel ? input_gradient(dy_NO.contiguous(), matrix_OI.contiguous()) : at::matmul(dy_NO, matrix_OI);
}

torch::Tensor matrix_gradient(const torch::Tensor& dy_NO, const torch::Tensor& x_NI) {
  check_shape("matrix_gradient", "dy_NO", dy_NO, {{"N", x_NI.size(0)}, "O"});
  return parameter_gradients(dy_NO.contiguous(), x_NI.contiguous(), true, false).dmatrix_OI;
}

torch::Tensor linear_product(const torch::Tensor& x_NI, const torch::Tensor& matrix_OI, const torch::Tensor& bias_O,
                             const torch::Tensor& panels) {
  check_shape("linear", "matrix_OI", matrix_OI, {"O", "I"});
  check_shape("linear", "x_NI", x_NI, {"N", {"I", matrix_OI.size(1)}});
  if (bias_O.defined()) check_shape("linear", "bias_O", bias_O, {{"O", matrix_OI.size(0)}});
  const auto if_any = [](const torch::Tensor& t) { return t.defined() ? std::optional(t.contiguous()) : std::nullopt; };
  return Linear::apply(x_NI.contiguous(), matrix_OI.contiguous(), if_any(bias_O), if_any(panels));
}

}  // namespace heterodyne::ops
