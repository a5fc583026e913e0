#include "heterodyne/layer/linear_gate_router.h"

#include "heterodyne/ops/gates/gate.h"

namespace heterodyne {

LinearGateRouter::LinearGateRouter(std::string kind, int64_t k, double init_std, const RouterContext& context,
                                   bool has_bias)
    : TokenChoiceRouter(std::move(kind), k, context), jitter_("jitter." + context.init.name) {
  const Init init = context.init.at("gate");
  const nn::LinearOptions shape{context.width, num_experts(), has_bias};
  gate_ = register_module("gate", std::make_shared<nn::Linear>(shape, init));
  if (init_std == 0) return;
  const auto draw_ED = init.at("weight").stream().normal({init.seed, 0}, {num_experts(), context.width});
  gate_->weight().assign(draw_ED * init_std);
}

std::vector<ExpertAxis> LinearGateRouter::expert_axes() {
  std::vector<ExpertAxis> axes{{"gate.weight", gate_->weight().matrix(), 0}};
  if (gate_->bias().defined()) axes.push_back({"gate.bias", gate_->bias(), 0});
  return axes;
}

torch::Tensor LinearGateRouter::logits(const RouteInput& input, double jitter) const {
  check_input(input.x_TD);
  if (!is_training() || jitter == 0) return gate_scores(input.x_TD, *gate_);
  const auto x_TD = at_least_float32(input.x_TD);
  const auto draw_TD = jitter_.uniform_rows(input.random, draw_row_of(input), x_TD.size(1)).to(x_TD.scalar_type());
  return gate_scores(x_TD * (1 - jitter + 2 * jitter * draw_TD), *gate_);
}

TokenChoice LinearGateRouter::choose_in_passing(const RouteInput& input, SelectedWeights weights) const {
  check_input(input.x_TD);
  const bool is_asked =
      input.needs.probabilities || input.needs.logits || !input.override.empty() || gate_->bias().defined();
  const auto& weight = gate_->weight();
  if (is_asked || !ops::can_run_gate(input.x_TD, weight.matrix())) return {};
  const auto choice = ops::gate_top_k(input.x_TD, weight.matrix(), max_choices(), layer_name(), false, weight.panels());
  const auto weight_TK =
      weights == SelectedWeights::kOne ? torch::ones_like(choice.logit_TK) : choice.logit_TK.softmax(-1);
  return {choice.expert_TK, weight_TK, {}, {}, choice.x_TD};
}

}  // namespace heterodyne
