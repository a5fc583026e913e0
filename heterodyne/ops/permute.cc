#include "heterodyne/ops/permute.h"

#include <ATen/Dispatch.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/plan_rows.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::vector<torch::Tensor> gather(const torch::Tensor& x_TD, const RoutingPlan& plan) {
  const auto x = x_TD.contiguous();
  const int64_t width = x.size(1);
  const auto offsets = plan.expert_offsets();
  std::vector<torch::Tensor> rows_of_expert;
  for (size_t e = 0; e + 1 < offsets.size(); ++e) {
    rows_of_expert.push_back(torch::empty({offsets[e + 1] - offsets[e], width}, x.options()));
  }
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, x.scalar_type(), "permute", [&] {
    const internal::RowPointers<scalar_t> pointers(plan, rows_of_expert, width);
    const auto* source = x.const_data_ptr<scalar_t>();
    parallel_for(0, plan.num_pairs(), internal::grain_of(width), [&](int64_t begin, int64_t end) {
      internal::RowKernels<scalar_t>::gather(pointers.rows(), source, begin, end);
    });
  });
  return rows_of_expert;
}

// The way back: each token's sum over its pairs.
torch::Tensor sum_back(const std::vector<torch::Tensor>& rows_of_expert, const RoutingPlan& plan,
                       const torch::TensorOptions& options, int64_t width) {
  auto sum_TD = torch::empty({plan.num_tokens(), width}, options);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, sum_TD.scalar_type(), "permute_backward", [&] {
    const internal::RowPointers<scalar_t> pointers(plan, rows_of_expert, width);
    auto* sum = sum_TD.data_ptr<scalar_t>();
    parallel_for(0, plan.num_tokens(), internal::grain_of(width), [&](int64_t begin, int64_t end) {
      internal::RowKernels<scalar_t>::sum(pointers.rows(), nullptr, sum, begin, end);
    });
  });
  return sum_TD;
}

struct Permute : torch::autograd::Function<Permute> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& x_TD, const RoutingPlan& plan) {
    ctx->save_for_backward({plan.token_N, plan.expert_N, plan.choice_N, plan.pair_of_token_N, plan.token_offset_T1,
                            plan.tokens_per_expert_E});
    ctx->saved_data["width"] = x_TD.size(1);
    return gather(x_TD, plan);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad_of_expert) {
    const auto saved = ctx->get_saved_variables();
    const RoutingPlan plan{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]};
    std::vector<torch::Tensor> rows_of_expert;
    torch::TensorOptions options;
    for (const auto& grad : grad_of_expert) {
      rows_of_expert.push_back(grad.defined() ? grad.contiguous() : grad);
      if (grad.defined()) options = grad.options();
    }
    return {sum_back(rows_of_expert, plan, options, ctx->saved_data["width"].toInt()), {}};
  }
};

}  // namespace

std::vector<torch::Tensor> permute(const torch::Tensor& x_TD, const RoutingPlan& plan) {
  check_shape("permute", "x_TD", x_TD, {{"T", plan.num_tokens()}, "D"});
  return Permute::apply(x_TD, plan);
}

}  // namespace heterodyne::ops
