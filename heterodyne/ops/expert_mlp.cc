#include "heterodyne/ops/expert_mlp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"
#include "heterodyne/ops/expert_mlp_pass.h"
#include "heterodyne/ops/kernel_input.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using internal::parameters_of;

// What a pass needs beside tensors with a gradient, which autograd keeps.
struct Call : torch::CustomClassHolder {
  RoutingPlan plan;
  std::vector<ExpertMlp> experts;
  int64_t output_width = 0;
};

constexpr size_t kFirstParameter = 2;  // behind x_TD and weight_N

// The same with float32 matrices in the place of compact ones.
ExpertMlp expanded(const ExpertMlp& expert) {
  ExpertMlp wide{expert.activation, ops::expanded(*expert.up_compact), ops::expanded(*expert.down_compact)};
  if (expert.gate_compact) wide.gate_FD = ops::expanded(*expert.gate_compact);
  wide.up_bias_F = expert.up_bias_F, wide.gate_bias_F = expert.gate_bias_F, wide.down_bias_O = expert.down_bias_O;
  wide.is_recomputed = expert.is_recomputed;
  return wide;
}

// Whether the backward pass rounds to bfloat16 all that it multiplies: matrices that learn and were rounded to it, for
// rows that were rounded too.
bool is_rounded_backward(const ExpertMlp& expert, int64_t rows) {
  const auto learns = [](const torch::Tensor& matrix, const CompactPointer& compact) {
    return !matrix.defined() || (matrix.requires_grad() && matrix.is_contiguous() && compact->format == Compact::kBf16);
  };
  return rows > internal::kPanel && !expert.is_recomputed && learns(expert.up_FD, expert.up_compact) &&
         learns(expert.gate_FD, expert.gate_compact) && learns(expert.down_OF, expert.down_compact) &&
         internal::rounding_of(Compact::kBf16, rows) == internal::Rounding::kBf16;
}

// What the backward pass multiplies by: compact experts with rows that are not rounded from what learns are expanded
// for its time, those without rows are left out.
std::vector<ExpertMlp> for_backward(const Call& call) {
  auto experts = call.experts;
  const auto* rows_E = call.plan.tokens_per_expert_E.const_data_ptr<int64_t>();
  for (size_t e = 0; e < experts.size(); ++e) {
    if (!experts[e].is_compact() || is_rounded_backward(experts[e], rows_E[e])) continue;
    experts[e] = rows_E[e] > 0 ? expanded(experts[e]) : ExpertMlp{};
  }
  return experts;
}

struct ExpertMlps : torch::autograd::Function<ExpertMlps> {
  // `inputs`: x_TD, weight_N and every defined parameter.
  static torch::Tensor forward(AutogradContext* ctx, torch::TensorList inputs, const c10::intrusive_ptr<Call>& call) {
    internal::MlpPass pass(inputs[0], inputs[1], call->plan, call->experts, call->output_width);
    auto output = pass.forward(true);
    variable_list saved = inputs.vec();
    saved.push_back(output.pre);
    ctx->save_for_backward(saved);
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    return output.y_TO;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.expert_mlps] there are no second derivatives");
    const auto held = ctx->saved_data["call"].toCapsule();
    const auto& call = static_cast<const Call&>(*held);
    const auto saved = ctx->get_saved_variables();
    const auto experts = for_backward(call);
    internal::MlpPass pass(saved[0], saved[1], call.plan, experts, call.output_width);
    size_t place = kFirstParameter;
    std::vector<internal::WantedGradients> wanted(experts.size());
    for (size_t e = 0; e < experts.size(); ++e) {
      const auto parameters = parameters_of(call.experts[e]);
      for (size_t i = 0; i < parameters.size(); ++i) {
        wanted[e][i] = parameters[i].defined() && ctx->needs_input_grad(place++);
      }
    }
    auto found = pass.backward({grad[0].contiguous(), saved.back(), ctx->needs_input_grad(0), std::move(wanted)});
    variable_list all{found.dx_TD, found.dweight_N};
    for (size_t e = 0; e < experts.size(); ++e) {
      const auto parameters = parameters_of(call.experts[e]);
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (parameters[i].defined()) all.push_back(std::move(found.parameters[e][i]));
      }
    }
    all.emplace_back();  // nothing for the call
    return all;
  }
};

// Whose tensor it is; messages are made when one is needed, since there may be thousands of experts.
struct Part {
  size_t expert;
  const char* name;
  std::string text() const { return fmt::format("expert {}: {}", expert, name); }
};

void check_matrix(const Part& part, const torch::Tensor& matrix, int64_t rows, int64_t columns) {
  if (!matrix.defined()) return;
  const bool fits = matrix.dim() == 2 && matrix.size(0) == rows && matrix.size(1) == columns &&
                    matrix.scalar_type() == torch::kFloat32 && matrix.is_contiguous();
  if (fits) return;
  throw ShapeError("expert_mlps", fmt::format("{}: expected contiguous float32 [{}, {}], got {}", part.text(), rows,
                                              columns, shape_text(matrix)));
}

void check_compact(const Part& part, const CompactPointer& matrix, int64_t rows, int64_t columns) {
  if (matrix && matrix->outputs == rows && matrix->inputs == columns) return;
  const std::string got = matrix ? fmt::format("[{}, {}]", matrix->outputs, matrix->inputs) : "none";
  throw ShapeError("expert_mlps", fmt::format("{}: expected [{}, {}], got {}", part.text(), rows, columns, got));
}

void check_bias(const Part& part, const torch::Tensor& bias, int64_t size) {
  if (!bias.defined() || (bias.dim() == 1 && bias.size(0) == size && bias.scalar_type() == torch::kFloat32)) return;
  throw ShapeError("expert_mlps",
                   fmt::format("{}: expected float32 [{}], got {}", part.text(), size, shape_text(bias)));
}

void check_expert(const ExpertMlp& expert, size_t position, int64_t D, int64_t O) {
  if (expert.up_FD.dim() != 2) {
    throw ShapeError("expert_mlps", Part{position, "up_FD"}.text() + ": expected two dimensions");
  }
  const int64_t F = expert.up_FD.size(0);
  if (expert.is_compact()) {
    check_compact({position, "up_compact"}, expert.up_compact, F, D);
    if (expert.gate_FD.defined()) check_compact({position, "gate_compact"}, expert.gate_compact, F, D);
    check_compact({position, "down_compact"}, expert.down_compact, O, F);
  } else {
    check_matrix({position, "up_FD"}, expert.up_FD, F, D);
    check_matrix({position, "gate_FD"}, expert.gate_FD, F, D);
    check_matrix({position, "down_OF"}, expert.down_OF, O, F);
  }
  check_bias({position, "up_bias_F"}, expert.up_bias_F, F);
  check_bias({position, "gate_bias_F"}, expert.gate_bias_F, F);
  check_bias({position, "down_bias_O"}, expert.down_bias_O, O);
}

// Whether a parameter wants a gradient.
bool can_learn(const std::vector<ExpertMlp>& experts) {
  for (const auto& expert : experts) {
    for (const auto* parameter : {&expert.up_FD, &expert.gate_FD, &expert.down_OF, &expert.up_bias_F,
                                  &expert.gate_bias_F, &expert.down_bias_O}) {
      if (parameter->requires_grad()) return true;
    }
  }
  return false;
}

// Whether somebody may ask for a gradient of one of these.
bool may_need_gradients(const torch::Tensor& x_TD, const torch::Tensor& weight_N,
                        const std::vector<ExpertMlp>& experts) {
  return torch::GradMode::is_enabled() && (x_TD.requires_grad() || weight_N.requires_grad() || can_learn(experts));
}

}  // namespace

bool can_run_expert_mlps(const torch::Tensor& x_TD, const torch::Tensor& weight_N) {
  return is_kernel_input(x_TD) && is_kernel_input(weight_N);
}

torch::Tensor expert_mlps(const torch::Tensor& x_TD, const torch::Tensor& weight_N, const RoutingPlan& plan,
                          const std::vector<ExpertMlp>& experts, int64_t output_width) {
  check_shape("expert_mlps", "x_TD", x_TD, {{"T", plan.num_tokens()}, "D"});
  check_shape("expert_mlps", "weight_N", weight_N, {{"N", plan.num_pairs()}});
  HETERODYNE_DCHECK(static_cast<int64_t>(experts.size()) == plan.num_experts());
  for (size_t e = 0; e < experts.size(); ++e) {
    if (experts[e].defined()) check_expert(experts[e], e, x_TD.size(1), output_width);
  }
  if (!may_need_gradients(x_TD, weight_N, experts)) {
    const auto x = x_TD.contiguous(), weight = weight_N.contiguous();
    return internal::MlpPass(x, weight, plan, experts, output_width).forward(false).y_TO;
  }
  auto call = c10::make_intrusive<Call>();
  call->plan = plan;
  call->experts = experts;
  call->output_width = output_width;
  variable_list inputs{x_TD.contiguous(), weight_N.contiguous()};
  for (const auto& expert : experts) {
    if (!expert.defined()) continue;
    for (const auto& parameter : parameters_of(expert)) {
      if (parameter.defined()) inputs.push_back(parameter);
    }
  }
  return ExpertMlps::apply(torch::TensorList(inputs), call);
}

}  // namespace heterodyne::ops
