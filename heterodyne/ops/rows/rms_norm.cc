#include "heterodyne/ops/rows/rms_norm.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/rms_norm.h>
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/plan_rows.h"
#include "heterodyne/ops/rows/rms_norm_cpu.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kNormBlockRows = 64;  // whose weight gradients are added up before the blocks are, in order

template <class Scalar>
internal::RmsNormArgs<Scalar> args_of(const torch::Tensor& x, const torch::Tensor& weight_D,
                                      const torch::Tensor& scale_N, double eps) {
  return {x.const_data_ptr<Scalar>(), weight_D.const_data_ptr<Scalar>(), scale_N.data_ptr<Scalar>(), weight_D.size(0),
          static_cast<Scalar>(eps)};
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& given, const torch::Tensor& weight_D,
                               double eps) {
    const auto x = given.contiguous();
    const int64_t D = weight_D.size(0), N = D > 0 ? x.numel() / D : 0;
    auto scale_N = torch::empty({N}, x.options());
    auto y = torch::empty(x.sizes(), x.options());
    if (N > 0) {
      AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
        const auto args = args_of<scalar_t>(x, weight_D, scale_N, eps);
        auto* out = y.mutable_data_ptr<scalar_t>();
        parallel_for(0, N, internal::grain_of(D),
                     [&](int64_t begin, int64_t end) { internal::rms_norm_rows(args, out, begin, end); });
      });
    }
    ctx->save_for_backward({x, weight_D, scale_N});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight_D = saved[1], &scale_N = saved[2];
    const auto dy = grad[0].contiguous();
    const int64_t D = weight_D.size(0), N = scale_N.size(0), num_blocks = (N + kNormBlockRows - 1) / kNormBlockRows;
    auto dx = torch::empty(x.sizes(), x.options());
    auto dweight_MD = torch::zeros({std::max<int64_t>(1, num_blocks), D}, weight_D.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm_backward", [&] {
      const auto args = args_of<scalar_t>(x, weight_D, scale_N, 0);
      const auto* given = dy.const_data_ptr<scalar_t>();
      auto* out = dx.mutable_data_ptr<scalar_t>();
      auto* sums = dweight_MD.mutable_data_ptr<scalar_t>();
      parallel_for(0, num_blocks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
          const internal::RmsNormGradients<scalar_t> gradients{given, out, sums + block * D};
          internal::rms_norm_rows_back(args, gradients, block * kNormBlockRows,
                                       std::min(N, (block + 1) * kNormBlockRows));
        }
      });
    });
    return {dx, dweight_MD.sum(0), {}};
  }
};

}  // namespace

torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight_D, double eps) {
  check_shape("rms_norm", "weight_D", weight_D, {"D"});
  if (x.dim() == 0 || x.size(-1) != weight_D.size(0))
    throw ShapeError("rms_norm", fmt::format("x: expected [..., {}], got {}", weight_D.size(0), shape_text(x)));
  const bool has_kernel = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kFloat64;
  if (!has_kernel) return at::rms_norm(x, weight_D.sizes(), weight_D, eps);
  return RmsNorm::apply(x, weight_D.to(x.scalar_type()).contiguous(), eps);
}

}  // namespace heterodyne::ops
