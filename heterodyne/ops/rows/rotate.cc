#include "heterodyne/ops/rows/rotate.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/cat.h>

#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/plan_rows.h"
#include "heterodyne/ops/rows/rotate_cpu.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

torch::Tensor turned(const torch::Tensor& x_BSHC, const torch::Tensor& cos_SC, const torch::Tensor& sin_SC,
                     bool is_inverse) {
  const int64_t S = x_BSHC.size(1), H = x_BSHC.size(2), half = cos_SC.size(1);
  auto y_BSHC = torch::empty(x_BSHC.sizes(), x_BSHC.options());
  if (y_BSHC.numel() == 0) return y_BSHC;
  AT_DISPATCH_FLOATING_TYPES(x_BSHC.scalar_type(), "rotate", [&] {
    const internal::RotateArgs<scalar_t> args{x_BSHC.const_data_ptr<scalar_t>(),
                                              cos_SC.const_data_ptr<scalar_t>(),
                                              sin_SC.const_data_ptr<scalar_t>(),
                                              y_BSHC.mutable_data_ptr<scalar_t>(),
                                              S,
                                              H,
                                              half,
                                              is_inverse};
    parallel_for(0, x_BSHC.size(0) * S, internal::grain_of(2 * H * half),
                 [&](int64_t begin, int64_t end) { internal::rotate_rows(args, begin, end); });
  });
  return y_BSHC;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x_BSHC, const torch::Tensor& cos_SC,
                               const torch::Tensor& sin_SC) {
    ctx->save_for_backward({cos_SC, sin_SC});
    return turned(x_BSHC.contiguous(), cos_SC, sin_SC, false);
  }
  // A rotation's transpose is the rotation back.
  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    const auto saved = ctx->get_saved_variables();
    return {turned(grad[0].contiguous(), saved[0], saved[1], true), {}, {}};
  }
};

// For dtypes without a kernel.
torch::Tensor rotate_plainly(const torch::Tensor& x_BSHC, const torch::Tensor& cos_SC, const torch::Tensor& sin_SC) {
  const int64_t half = cos_SC.size(1);
  const auto cos = cos_SC.unsqueeze(1), sin = sin_SC.unsqueeze(1);
  const auto first = x_BSHC.narrow(3, 0, half), second = x_BSHC.narrow(3, half, half);
  return at::cat({first * cos - second * sin, second * cos + first * sin}, 3);
}

}  // namespace

torch::Tensor rotate(const torch::Tensor& x_BSHC, const torch::Tensor& cos_SC, const torch::Tensor& sin_SC) {
  check_shape("rotate", "cos_SC", cos_SC, {"S", "C / 2"});
  const int64_t S = cos_SC.size(0), half = cos_SC.size(1);
  check_shape("rotate", "sin_SC", sin_SC, {{"S", S}, {"C / 2", half}});
  check_shape("rotate", "x_BSHC", x_BSHC, {"B", {"S", S}, "H", {"C", 2 * half}});
  const bool has_kernel = x_BSHC.scalar_type() == torch::kFloat32 || x_BSHC.scalar_type() == torch::kFloat64;
  if (!has_kernel) return rotate_plainly(x_BSHC, cos_SC, sin_SC);
  return Rotate::apply(x_BSHC, cos_SC.to(x_BSHC.scalar_type()).contiguous(),
                       sin_SC.to(x_BSHC.scalar_type()).contiguous());
}

}  // namespace heterodyne::ops
