#include "heterodyne/ops/routing_plan.h"

#include <fmt/format.h>

#include <numeric>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/routing_plan_cpu.h"

namespace heterodyne::ops {

std::vector<int64_t> RoutingPlan::expert_offsets() const {
  const int64_t* count_E = tokens_per_expert_E.const_data_ptr<int64_t>();
  std::vector<int64_t> offsets(static_cast<size_t>(num_experts()) + 1, 0);
  std::partial_sum(count_E, count_E + num_experts(), offsets.begin() + 1);
  return offsets;
}

RoutingPlan plan_routing(const torch::Tensor& expert_TK, int64_t num_experts) {
  if (expert_TK.dim() != 2 || expert_TK.scalar_type() != torch::kInt64 || !expert_TK.is_cpu()) {
    throw ShapeError("plan_routing",
                     fmt::format("expert_TK: expected int64 [T, K] on the CPU, got {} {} on {}",
                                 toString(expert_TK.scalar_type()), shape_text(expert_TK), expert_TK.device().str()));
  }
  const auto choices = expert_TK.contiguous();
  const internal::PlanShape shape{choices.size(0), choices.size(1), num_experts};
  const int64_t* expert = choices.const_data_ptr<int64_t>();

  RoutingPlan plan;
  plan.tokens_per_expert_E = torch::empty({num_experts}, torch::kInt64);
  const int64_t num_pairs = internal::count_pairs(shape, expert, plan.tokens_per_expert_E.data_ptr<int64_t>());
  if (num_pairs < 0) {
    const int64_t entry = -1 - num_pairs;
    throw ShapeError("plan_routing", fmt::format("expert_TK: expected -1 .. {}, got {} for token {}", num_experts - 1,
                                                 expert[entry], entry / shape.num_choices));
  }
  for (auto* indices : {&plan.token_N, &plan.expert_N, &plan.choice_N, &plan.pair_of_token_N}) {
    *indices = torch::empty({num_pairs}, torch::kInt64);
  }
  plan.token_offset_T1 = torch::empty({shape.num_tokens + 1}, torch::kInt64);
  auto next_E = plan.expert_offsets();
  internal::fill_plan(
      shape, expert, next_E.data(),
      {plan.token_N.data_ptr<int64_t>(), plan.expert_N.data_ptr<int64_t>(), plan.choice_N.data_ptr<int64_t>(),
       plan.pair_of_token_N.data_ptr<int64_t>(), plan.token_offset_T1.data_ptr<int64_t>()});
  return plan;
}

}  // namespace heterodyne::ops
