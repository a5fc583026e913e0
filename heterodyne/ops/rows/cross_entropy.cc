#include "heterodyne/ops/rows/cross_entropy.h"

#include <ATen/Dispatch.h>
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/plan_rows.h"
#include "heterodyne/ops/rows/cross_entropy_cpu.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Scalar>
internal::CrossEntropyArgs<Scalar> args_of(const torch::Tensor& logit_NY, const torch::Tensor& label_N,
                                           const torch::Tensor& log_sum_N) {
  return {logit_NY.const_data_ptr<Scalar>(), label_N.const_data_ptr<int64_t>(), log_sum_N.data_ptr<Scalar>(),
          logit_NY.size(1)};
}

// Gradients of logits are large: memory that is faulted in at each step costs as much as the pass.
torch::Tensor room_like(const torch::Tensor& value) {
  return value.scalar_type() == torch::kFloat32 ? kept_buffer(value.numel()).view(value.sizes())
                                                : torch::empty(value.sizes(), value.options());
}

struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& logit_NY, const torch::Tensor& label_N) {
    auto loss_N = torch::empty({logit_NY.size(0)}, logit_NY.options());
    const auto log_sum_N = torch::empty_like(loss_N);
    AT_DISPATCH_FLOATING_TYPES(logit_NY.scalar_type(), "cross_entropy", [&] {
      const auto args = args_of<scalar_t>(logit_NY, label_N, log_sum_N);
      auto* out = loss_N.mutable_data_ptr<scalar_t>();
      parallel_for(0, logit_NY.size(0), internal::grain_of(args.Y),
                   [&](int64_t begin, int64_t end) { internal::cross_entropy_rows(args, out, begin, end); });
    });
    ctx->save_for_backward({logit_NY, label_N, log_sum_N});
    return loss_N;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.cross_entropy_of_rows] there are no second derivatives");
    const auto saved = ctx->get_saved_variables();
    const auto &logit_NY = saved[0], &label_N = saved[1], &log_sum_N = saved[2];
    const auto dloss_N = grad[0].contiguous();
    auto dlogit_NY = room_like(logit_NY);
    AT_DISPATCH_FLOATING_TYPES(logit_NY.scalar_type(), "cross_entropy_backward", [&] {
      const auto args = args_of<scalar_t>(logit_NY, label_N, log_sum_N);
      const auto* given = dloss_N.const_data_ptr<scalar_t>();
      auto* out = dlogit_NY.mutable_data_ptr<scalar_t>();
      parallel_for(0, logit_NY.size(0), internal::grain_of(args.Y), [&](int64_t begin, int64_t end) {
        internal::cross_entropy_rows_back(args, given, out, begin, end);
      });
    });
    return {dlogit_NY, {}};
  }
};

}  // namespace

torch::Tensor cross_entropy_of_rows(const torch::Tensor& logit_NY, const torch::Tensor& label_N) {
  constexpr const char* kWhere = "cross_entropy_of_rows";
  check_shape(kWhere, "logit_NY", logit_NY, {"N", "Y"});
  check_shape(kWhere, "label_N", label_N, {{"N", logit_NY.size(0)}});
  const bool is_float = logit_NY.scalar_type() == torch::kFloat32 || logit_NY.scalar_type() == torch::kFloat64;
  if (!is_float || !logit_NY.is_cpu() || label_N.scalar_type() != torch::kInt64) {
    throw ShapeError(kWhere, fmt::format("expected float32 or float64 logits on a CPU and int64 labels, got {} and {}",
                                         toString(logit_NY.scalar_type()), toString(label_N.scalar_type())));
  }
  const auto labels = label_N.contiguous();
  const int64_t *first = labels.const_data_ptr<int64_t>(), *last = first + labels.numel(), Y = logit_NY.size(1);
  const int64_t* wrong = std::find_if(first, last, [Y](int64_t label) { return label < 0 || label >= Y; });
  if (wrong != last) {
    throw ShapeError(kWhere, fmt::format("label_N: expected 0 .. {}, got {} for row {}", Y - 1, *wrong, wrong - first));
  }
  return CrossEntropy::apply(logit_NY.contiguous(), labels);
}

}  // namespace heterodyne::ops
