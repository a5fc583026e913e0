#include "heterodyne/ops/conv_gelu_conv.h"

#include <ATen/Dispatch.h>
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/conv_gelu_conv_cpu.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows a task takes. Fixed, because the gradients of the weights are summed block by block: the sum must not depend on
// the number of threads.
constexpr int64_t kBlock = 16;

int64_t num_blocks(int64_t num_rows) { return (num_rows + kBlock - 1) / kBlock; }

template <class Scalar>
internal::ConvGeluConv<Scalar> kernel_of(const ConvGeluConvWeights& w, int64_t width) {
  return {width,
          w.widen_CK.size(0),
          w.widen_CK.size(1),
          w.widen_CK.const_data_ptr<Scalar>(),
          w.widen_bias_C.const_data_ptr<Scalar>(),
          w.narrow_CK.const_data_ptr<Scalar>(),
          w.narrow_bias.const_data_ptr<Scalar>()};
}

// Calls `work` with each block's number, first row and row count, and scratch of the calling thread.
template <class Scalar, class Work>
void for_each_block(int64_t num_rows, int64_t scratch_size, const Work& work) {
  parallel_for(0, num_blocks(num_rows), 1, [&](int64_t begin, int64_t end) {
    std::vector<Scalar> scratch(static_cast<size_t>(scratch_size));
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlock;
      work(block, first, std::min(kBlock, num_rows - first), scratch.data());
    }
  });
}

struct ConvGeluConv : torch::autograd::Function<ConvGeluConv> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x_ND, const torch::Tensor& widen,
                               const torch::Tensor& widen_bias, const torch::Tensor& narrow,
                               const torch::Tensor& narrow_bias) {
    ctx->save_for_backward({x_ND, widen, widen_bias, narrow, narrow_bias});
    const int64_t N = x_ND.size(0), D = x_ND.size(1);
    auto y_ND = torch::empty_like(x_ND);
    AT_DISPATCH_FLOATING_TYPES(x_ND.scalar_type(), "conv_gelu_conv", [&] {
      const auto op = kernel_of<scalar_t>({widen, widen_bias, narrow, narrow_bias}, D);
      const auto* x = x_ND.const_data_ptr<scalar_t>();
      auto* y = y_ND.data_ptr<scalar_t>();
      for_each_block<scalar_t>(N, op.scratch_size(), [&](int64_t, int64_t first, int64_t rows, scalar_t* scratch) {
        internal::conv_gelu_conv_forward(op, {rows, x + first * D, nullptr, y + first * D, nullptr, scratch});
      });
    });
    return y_ND;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    const auto saved = ctx->get_saved_variables();
    const auto& x_ND = saved[0];
    const ConvGeluConvWeights weights{saved[1], saved[2], saved[3], saved[4]};
    const int64_t N = x_ND.size(0), D = x_ND.size(1), C = weights.widen_CK.size(0), K = weights.widen_CK.size(1);
    const auto dy_ND = grad[0].contiguous();
    auto dx_ND = torch::empty_like(x_ND);
    torch::Tensor dweights;
    AT_DISPATCH_FLOATING_TYPES(x_ND.scalar_type(), "conv_gelu_conv_backward", [&] {
      const auto op = kernel_of<scalar_t>(weights, D);
      const auto *x = x_ND.const_data_ptr<scalar_t>(), *dy = dy_ND.const_data_ptr<scalar_t>();
      auto* dx = dx_ND.data_ptr<scalar_t>();
      auto partial = torch::zeros({num_blocks(N), op.num_weights()}, x_ND.options());
      auto* partials = partial.data_ptr<scalar_t>();
      for_each_block<scalar_t>(
          N, op.scratch_size(), [&](int64_t block, int64_t first, int64_t rows, scalar_t* scratch) {
            internal::conv_gelu_conv_backward(op, {rows, x + first * D, dy + first * D, dx + first * D,
                                                   partials + block * op.num_weights(), scratch});
          });
      dweights = torch::zeros({op.num_weights()}, x_ND.options());
      auto* total = dweights.data_ptr<scalar_t>();
      for (int64_t block = 0; block < num_blocks(N); ++block) {
        for (int64_t i = 0; i < op.num_weights(); ++i) total[i] += partials[block * op.num_weights() + i];
      }
    });
    const auto parts = dweights.split_with_sizes({C * K, C, C * K, 1});
    return {dx_ND, parts[0].view({C, K}), parts[1], parts[2].view({C, K}), parts[3]};
  }
};

}  // namespace

torch::Tensor conv_gelu_conv(const torch::Tensor& x_ND, const ConvGeluConvWeights& weights) {
  check_shape("conv_gelu_conv", "x_ND", x_ND, {"N", "D"});
  check_shape("conv_gelu_conv", "widen_CK", weights.widen_CK, {"C", "K"});
  const int64_t C = weights.widen_CK.size(0), K = weights.widen_CK.size(1);
  check_shape("conv_gelu_conv", "widen_bias_C", weights.widen_bias_C, {{"C", C}});
  check_shape("conv_gelu_conv", "narrow_CK", weights.narrow_CK, {{"C", C}, {"K", K}});
  check_shape("conv_gelu_conv", "narrow_bias", weights.narrow_bias, {1});
  if (K % 2 == 0) throw ShapeError("conv_gelu_conv", fmt::format("kernel: expected an odd number, got {}", K));
  return ConvGeluConv::apply(x_ND.contiguous(), weights.widen_CK.contiguous(), weights.widen_bias_C.contiguous(),
                             weights.narrow_CK.contiguous(), weights.narrow_bias.contiguous());
}

}  // namespace heterodyne::ops
