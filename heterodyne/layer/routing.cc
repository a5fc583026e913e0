#include "heterodyne/layer/routing.h"

#include "heterodyne/base/shape.h"

namespace heterodyne {

int64_t Routing::num_counted_tokens() const { return mask_T.defined() ? mask_T.sum().item<int64_t>() : num_tokens(); }

Routing make_routing(const TokenChoice& choice, const RouteInput& input, int64_t num_experts) {
  const int64_t K = choice.expert_TK.size(1);
  check_shape("make_routing", "weight_TK", choice.weight_TK, {{"T", choice.expert_TK.size(0)}, {"K", K}});
  auto expert_TK = choice.expert_TK;
  if (input.mask_T.defined()) expert_TK = expert_TK.masked_fill(input.mask_T.logical_not().unsqueeze(1), -1);

  Routing routing;
  routing.plan = ops::plan_routing(expert_TK, num_experts);
  const auto pair_N = routing.plan.token_N * K + routing.plan.choice_N;
  routing.weight_N = choice.weight_TK.reshape(-1).index_select(0, pair_N);
  if (input.needs.probabilities) routing.prob_TE = choice.prob_TE;
  if (input.needs.logits) routing.logit_TE = choice.logit_TE;
  routing.mask_T = input.mask_T;
  routing.x_TD = choice.x_TD;
  routing.num_sequences = input.num_sequences;
  return routing;
}

Routing with_pairs(const Routing& routing, const torch::Tensor& keep_N) {
  check_shape("with_pairs", "keep_N", keep_N, {{"N", routing.num_pairs()}});
  const auto pair_M = keep_N.nonzero().squeeze(1);
  const auto& plan = routing.plan;
  const int64_t K = plan.num_pairs() > 0 ? plan.choice_N.max().item<int64_t>() + 1 : 1;
  const auto place_M = (plan.token_N * K + plan.choice_N).index_select(0, pair_M);
  auto expert_TK = torch::full({plan.num_tokens() * K}, -1, torch::kInt64);
  expert_TK.index_put_({place_M}, plan.expert_N.index_select(0, pair_M));
  auto pair_TK = torch::zeros({plan.num_tokens() * K}, torch::kInt64);
  pair_TK.index_put_({place_M}, pair_M);

  Routing kept = routing;
  kept.plan = ops::plan_routing(expert_TK.view({-1, K}), plan.num_experts());
  const auto old_M = pair_TK.index_select(0, kept.plan.token_N * K + kept.plan.choice_N);
  kept.weight_N = routing.weight_N.index_select(0, old_M);
  return kept;
}

torch::Tensor position_of(const RouteInput& input) {
  const int64_t length = std::max<int64_t>(input.length, 1);
  return torch::arange(input.x_TD.size(0)).remainder(length) + input.first_position;
}

torch::Tensor draw_row_of(const RouteInput& input) {
  constexpr int64_t kLongestSequence = int64_t{1} << 31;
  const int64_t length = std::max<int64_t>(input.length, 1);
  return torch::arange(input.x_TD.size(0)).div(length, "floor") * kLongestSequence + position_of(input);
}

void RoutingLog::add(const std::string& layer, const Routing& routing) {
  const int64_t* offset_T1 = routing.plan.token_offset_T1.const_data_ptr<int64_t>();
  const int64_t T = routing.num_tokens(), num_counted = routing.num_counted_tokens();
  int64_t num_without = 0;
  for (int64_t t = 0; t < T; ++t) num_without += offset_T1[t + 1] == offset_T1[t] ? 1 : 0;
  LayerRouting entry{
      layer, routing.plan.tokens_per_expert_E, num_counted, num_without - (T - num_counted), routing.num_dropped, {}};
  if (keep_pairs) entry.routing = routing;
  layers.push_back(std::move(entry));
}

void observe(const RoutingLog* log, const std::string& name, const torch::Tensor& value) {
  if (log && log->on_value) log->on_value(name, value);
}

}  // namespace heterodyne
