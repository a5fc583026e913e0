#include "heterodyne/ops/lstm.h"

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/lstm_cpu.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops {
namespace {

using internal::LstmKernel;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

torch::Tensor packed(const LstmKernel& kernel, const torch::Tensor& matrix_GH, bool is_back) {
  const auto panels = kept_buffer(matrix_GH.numel());
  const float* from = matrix_GH.const_data_ptr<float>();
  float* to = panels.data_ptr<float>();
  for_each_task(kernel.num_blocks(), [&](int64_t u) {
    (is_back ? internal::pack_lstm_back : internal::pack_lstm)(kernel, from, u, to + u * kernel.block * 4 * kernel.H);
  });
  return panels;
}

// Fewer sequences a thread would read the whole matrix for little work.
constexpr int64_t kSequences = 8;

struct Lstm : torch::autograd::Function<Lstm> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& pre_BSG, const torch::Tensor& hidden_BH,
                               const torch::Tensor& cell_BH, const torch::Tensor& matrix_GH) {
    const auto kernel = internal::lstm_kernel(pre_BSG.size(0), pre_BSG.size(1), hidden_BH.size(1));
    const auto gate_BSG = pre_BSG.clone();
    const auto cell_BSH = torch::empty({kernel.B, kernel.S, kernel.H}, torch::kFloat32);
    auto y_BSH = torch::empty_like(cell_BSH);
    const auto panels = packed(kernel, matrix_GH, false);
    const internal::LstmForward call{panels.const_data_ptr<float>(),  hidden_BH.const_data_ptr<float>(),
                                     cell_BH.const_data_ptr<float>(), gate_BSG.data_ptr<float>(),
                                     cell_BSH.data_ptr<float>(),      y_BSH.data_ptr<float>()};
    parallel_for(0, kernel.B, kSequences,
                 [&](int64_t begin, int64_t end) { internal::lstm_forward(kernel, call, begin, end); });
    ctx->save_for_backward({gate_BSG, cell_BSH, y_BSH, hidden_BH, cell_BH, matrix_GH});
    return {y_BSH, y_BSH.select(1, kernel.S - 1).clone(), cell_BSH.select(1, kernel.S - 1).clone()};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.lstm_steps] there are no second derivatives");
    const auto saved = ctx->get_saved_variables();
    const auto &gate_BSG = saved[0], &cell_BSH = saved[1], &y_BSH = saved[2], &hidden_BH = saved[3],
               &matrix_GH = saved[5];
    const auto kernel = internal::lstm_kernel(y_BSH.size(0), y_BSH.size(1), y_BSH.size(2));
    const auto dy_BSH = grad[0].defined() ? grad[0].contiguous() : torch::zeros_like(y_BSH);
    const auto or_zeros = [&](const torch::Tensor& given) {
      return given.defined() ? given.clone(at::MemoryFormat::Contiguous) : torch::zeros_like(hidden_BH);
    };
    auto dhidden_BH = or_zeros(grad[1]), dcell_BH = or_zeros(grad[2]);
    auto dpre_BSG = torch::empty_like(gate_BSG);
    const auto panels = packed(kernel, matrix_GH, true);
    const internal::LstmBackward call{panels.const_data_ptr<float>(),   saved[4].const_data_ptr<float>(),
                                      gate_BSG.const_data_ptr<float>(), cell_BSH.const_data_ptr<float>(),
                                      dy_BSH.const_data_ptr<float>(),   dhidden_BH.data_ptr<float>(),
                                      dcell_BH.data_ptr<float>(),       dpre_BSG.data_ptr<float>()};
    parallel_for(0, kernel.B, kSequences,
                 [&](int64_t begin, int64_t end) { internal::lstm_backward(kernel, call, begin, end); });
    torch::Tensor dmatrix_GH;
    if (ctx->needs_input_grad(3)) {
      // What each step multiplied by the matrix: the hidden state before it.
      const auto before_BSH = torch::empty_like(y_BSH);
      before_BSH.select(1, 0).copy_(hidden_BH);
      before_BSH.narrow(1, 1, kernel.S - 1).copy_(y_BSH.narrow(1, 0, kernel.S - 1));
      dmatrix_GH = matrix_gradient(dpre_BSG.flatten(0, 1), before_BSH.flatten(0, 1));
    }
    return {dpre_BSG, dhidden_BH, dcell_BH, dmatrix_GH};
  }
};

}  // namespace

bool can_run_lstm(const torch::Tensor& x_BSI, int64_t hidden) {
  constexpr int64_t kRows = 32;  // packing touches every weight once
  return is_kernel_input(x_BSI) && hidden >= 8 && x_BSI.size(1) > 1 && x_BSI.size(0) * x_BSI.size(1) >= kRows;
}

LstmSteps lstm_steps(const torch::Tensor& pre_BSG, const torch::Tensor& hidden_BH, const torch::Tensor& cell_BH,
                     const torch::Tensor& matrix_GH) {
  check_shape("lstm_steps", "matrix_GH", matrix_GH, {"G", "H"});
  const int64_t H = matrix_GH.size(1);
  check_shape("lstm_steps", "matrix_GH", matrix_GH, {{"G", 4 * H}, "H"});
  check_shape("lstm_steps", "pre_BSG", pre_BSG, {"B", "S", {"G", 4 * H}});
  check_shape("lstm_steps", "hidden_BH", hidden_BH, {{"B", pre_BSG.size(0)}, {"H", H}});
  check_shape("lstm_steps", "cell_BH", cell_BH, {{"B", pre_BSG.size(0)}, {"H", H}});
  if (pre_BSG.size(1) == 0) return {torch::zeros({pre_BSG.size(0), 0, H}), hidden_BH, cell_BH};
  const auto output =
      Lstm::apply(pre_BSG.contiguous(), hidden_BH.contiguous(), cell_BH.contiguous(), matrix_GH.contiguous());
  return {output[0], output[1], output[2]};
}

}  // namespace heterodyne::ops
