// Small layers and inputs for the tests of this room and those above.
#pragma once

#include <memory>
#include <utility>

#include "heterodyne/base/random.h"
#include "heterodyne/layer/moe_layer.h"

namespace heterodyne::fixtures {

inline torch::Tensor normal(const std::string& name, torch::IntArrayRef sizes) {
  return RandomStream(name).normal({1, 0}, sizes);
}

/// One expert of each kind that DMMoE mixes, width 16.
inline Array mixed_experts() {
  return {Table{{"kind", "mlp"}, {"hidden", 24}}, Table{{"kind", "conv1d"}, {"channels", 4}, {"kernel", 3}},
          Table{{"kind", "vit_block"}, {"heads", 2}, {"hidden", 20}}, Table{{"kind", "lstm_cell"}}};
}

/// `table` holds the settings of MoeOptions; experts default to mixed_experts().
inline std::shared_ptr<MoeLayer> layer_of(Table table, int64_t width = 16) {
  if (!table.contains("experts")) table.set("experts", mixed_experts());
  return std::make_shared<MoeLayer>(read_options<MoeOptions>(table, {"moe", "moe"}),
                                    MoeContext{width, width, {7, "layers.0"}});
}

/// One sequence, of symbols 0, 1, 2, ... and class 1.
inline RouteInput route_input(const torch::Tensor& x_TD) {
  RouteInput input{x_TD, 1, x_TD.size(0), {}, {3, 5}, {.probabilities = true, .logits = true}};
  input.token_id_T = torch::arange(x_TD.size(0));
  input.label_T = torch::ones({x_TD.size(0)}, torch::kInt64);
  return input;
}

inline RouterContext router_context(int64_t width, int64_t num_experts) {
  RouterContext context{width, {}, {7, "layers.0.router"}};
  for (int64_t id = 0; id < num_experts; ++id) context.experts.push_back({id, "mlp", 0, 10, 10, false});
  return context;
}

/// A router that has a selection bias and does nothing.
class BiasedRouter : public Router {
 public:
  explicit BiasedRouter(torch::Tensor bias_E) : bias_E_(std::move(bias_E)) {}
  Routing route(const RouteInput&) override { return {}; }
  torch::Tensor selection_bias() override { return bias_E_; }
  int64_t num_experts() const override { return bias_E_.numel(); }
  int64_t max_choices() const override { return 1; }
  void set_num_experts(int64_t) override {}

 private:
  torch::Tensor bias_E_;
};

/// A router of this kind whose logits are its inputs: D = E and the gate is the identity.
inline std::shared_ptr<Router> identity_router(const std::string& kind, int64_t num_experts, Table settings = {}) {
  settings.set("kind", kind);
  auto router = routers().make(Member(settings), router_context(num_experts, num_experts));
  const torch::NoGradGuard no_grad;
  router->named_parameters()["gate.weight"].copy_(torch::eye(num_experts));
  return router;
}

/// [T, E]: the weight of each pair, zero where there is none.
inline torch::Tensor weights_of(const Routing& routing) {
  return torch::zeros({routing.num_tokens(), routing.num_experts()}, routing.weight_N.options().requires_grad(false))
      .index_put({routing.plan.token_N, routing.plan.expert_N}, routing.weight_N.detach());
}

/// float64 [4, 2]: four tokens that all like expert 0 better, the first two by far.
inline torch::Tensor four_tokens() {
  return torch::tensor({{2.0, 0.5}, {1.5, 0.2}, {1.0, 0.9}, {0.3, 0.1}}, torch::kFloat64);
}

/// int64 [T, E]: 1 where the token was sent to the expert.
inline torch::Tensor sent_of(const Routing& routing) {
  const auto one_N = torch::ones({routing.num_pairs()}, torch::kInt64);
  return torch::zeros({routing.num_tokens(), routing.num_experts()}, torch::kInt64)
      .index_put({routing.plan.token_N, routing.plan.expert_N}, one_N, true);
}

}  // namespace heterodyne::fixtures
