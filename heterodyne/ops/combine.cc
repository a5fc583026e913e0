#include "heterodyne/ops/combine.h"

#include <ATen/Dispatch.h>
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/plan_rows.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Gradients {
  std::vector<torch::Tensor> dy_of_expert;
  torch::Tensor dweight_N;
};

torch::Tensor weighted_sum(const std::vector<torch::Tensor>& y_of_expert, const torch::Tensor& weight_N,
                           const RoutingPlan& plan, const torch::TensorOptions& options, int64_t width) {
  auto y_TO = torch::empty({plan.num_tokens(), width}, options);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, y_TO.scalar_type(), "combine", [&] {
    const internal::RowPointers<scalar_t> pointers(plan, y_of_expert, width);
    const auto* weight = weight_N.const_data_ptr<internal::Wide<scalar_t>>();
    auto* y = y_TO.data_ptr<scalar_t>();
    parallel_for(0, plan.num_tokens(), internal::grain_of(width), [&](int64_t begin, int64_t end) {
      internal::RowKernels<scalar_t>::sum(pointers.rows(), weight, y, begin, end);
    });
  });
  return y_TO;
}

Gradients spread(const torch::Tensor& dy_TO, const std::vector<torch::Tensor>& y_of_expert,
                 const torch::Tensor& weight_N, const RoutingPlan& plan) {
  const int64_t width = dy_TO.size(1);
  Gradients gradients;
  for (const auto& y : y_of_expert) gradients.dy_of_expert.push_back(torch::empty_like(y));
  gradients.dweight_N = torch::empty_like(weight_N);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kBFloat16, at::kHalf, dy_TO.scalar_type(), "combine_backward", [&] {
    using Kernels = internal::RowKernels<scalar_t>;
    const internal::RowPointers<scalar_t> outputs(plan, y_of_expert, width);
    const internal::RowPointers<scalar_t> scaled(plan, gradients.dy_of_expert, width);
    const auto* weight = weight_N.const_data_ptr<internal::Wide<scalar_t>>();
    auto* dweight = gradients.dweight_N.data_ptr<internal::Wide<scalar_t>>();
    const auto* dy = dy_TO.const_data_ptr<scalar_t>();
    parallel_for(0, plan.num_pairs(), internal::grain_of(width), [&](int64_t begin, int64_t end) {
      Kernels::scale(scaled.rows(), weight, dy, begin, end);
      Kernels::dot(outputs.rows(), dy, dweight, begin, end);
    });
  });
  return gradients;
}

struct Combine : torch::autograd::Function<Combine> {
  static torch::Tensor forward(AutogradContext* ctx, torch::TensorList y_of_expert, const torch::Tensor& weight_N,
                               const RoutingPlan& plan, const torch::TensorOptions& options, int64_t width) {
    variable_list saved = {plan.token_N,
                           plan.expert_N,
                           plan.choice_N,
                           plan.pair_of_token_N,
                           plan.token_offset_T1,
                           plan.tokens_per_expert_E,
                           weight_N};
    std::vector<torch::Tensor> rows_of_expert;
    for (const auto& y : y_of_expert) rows_of_expert.push_back(y.contiguous());
    saved.insert(saved.end(), rows_of_expert.begin(), rows_of_expert.end());
    ctx->save_for_backward(saved);
    return weighted_sum(rows_of_expert, weight_N, plan, options, width);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    const auto saved = ctx->get_saved_variables();
    const RoutingPlan plan{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]};
    const auto gradients = spread(grad[0].contiguous(), {saved.begin() + 7, saved.end()}, saved[6], plan);
    variable_list all = gradients.dy_of_expert;
    all.push_back(gradients.dweight_N);
    all.resize(all.size() + 3);  // nothing for the plan, the options and the width
    return all;
  }
};

void check_outputs(const std::vector<torch::Tensor>& y_of_expert, const RoutingPlan& plan, int64_t width) {
  const auto offsets = plan.expert_offsets();
  HETERODYNE_DCHECK(static_cast<int64_t>(y_of_expert.size()) == plan.num_experts());
  for (size_t e = 0; e < y_of_expert.size(); ++e) {
    const int64_t num_rows = offsets[e + 1] - offsets[e];
    const auto& y = y_of_expert[e];
    if (y.defined() ? y.dim() == 2 && y.size(0) == num_rows && y.size(1) == width : num_rows == 0) continue;
    throw ShapeError("combine",
                     fmt::format("output of expert {}: expected [{}, {}], got {}", e, num_rows, width, shape_text(y)));
  }
}

}  // namespace

torch::Tensor combine(const std::vector<torch::Tensor>& y_of_expert, const torch::Tensor& weight_N,
                      const RoutingPlan& plan, int64_t output_width) {
  check_outputs(y_of_expert, plan, output_width);
  check_shape("combine", "weight_N", weight_N, {{"N", plan.num_pairs()}});
  torch::TensorOptions options = weight_N.options();
  for (const auto& y : y_of_expert) {
    if (y.defined()) options = y.options();
  }
  options = torch::TensorOptions().dtype(options.dtype()).device(options.device());
  std::vector<torch::Tensor> outputs;
  for (const auto& y : y_of_expert) outputs.push_back(y.defined() ? y : torch::empty({0, output_width}, options));
  const auto wide = options.dtype() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  return Combine::apply(torch::TensorList(outputs), weight_N.to(wide).contiguous(), plan, options, output_width);
}

}  // namespace heterodyne::ops
