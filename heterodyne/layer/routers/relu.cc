// ReMoE (Wang et al. 2024, arXiv 2412.14711): an expert's weight is the positive part of its score and it works where
// that is not zero, so a token has any number of experts, none too, and the route is differentiable. An L1 loss that is
// weighed by the experts' loads holds the mean number near a target: its coefficient grows after each step in which too
// many experts worked and shrinks after the others. Here each layer has a coefficient of its own.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

class ReluRouter : public GatedRouter {
 public:
  struct Options {
    double mean_experts = 2;
    double coefficient = 1e-8;
    double factor = 1.2;
    void visit(Fields& field) {
      field("mean_experts", mean_experts, "experts a token shall have on average", more_than(0));
      field("coefficient", coefficient, "initial coefficient of the loss on the weights", more_than(0));
      field("factor", factor, "the coefficient is multiplied or divided by this after each step", more_than(1));
    }
  };

  ReluRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.relu", 1, context), options_(options) {
    ReluRouter::check_num_experts(num_experts());
    coefficient_ = register_buffer("coefficient", torch::tensor(options.coefficient, torch::kFloat64));
  }

  Routing route(const RouteInput& input) override {
    constexpr double kTiny = 1e-6;  // so that the shares of a token without experts are equal
    const auto logit_TE = scores(input);
    const auto weight_TE = logit_TE.relu();
    const auto prob_TE = (weight_TE + kTiny) / (weight_TE + kTiny).sum(-1, true);
    const auto expert_TK =
        input.override.empty() ? marked_experts(weight_TE.detach() > 0, weight_TE) : choose(logit_TE, input);
    auto routing =
        make_routing({expert_TK, at_choices(weight_TE, expert_TK, 0), prob_TE, logit_TE}, input, num_experts());
    routing.losses.emplace_back("sparsity", sparsity_loss(weight_TE, routing, counted_tokens(input)));
    return routing;
  }

  void after_step(const Sums& sums) override {
    const double num_tokens = sums.at("tokens").item<double>();
    if (num_tokens == 0) return;
    const auto E = static_cast<double>(num_experts());
    const double idle = 1 - sums.at("assignments_E").sum().item<double>() / (num_tokens * E);
    const bool is_dense = idle < 1 - options_.mean_experts / E;
    const double old = coefficient_.item<double>();
    coefficient_.fill_(std::clamp(is_dense ? old * options_.factor : old / options_.factor, kLeast, kMost));
  }

  int64_t max_choices() const override { return num_experts(); }
  void check_num_experts(int64_t num_experts) const override {
    GatedRouter::check_num_experts(num_experts);
    if (options_.mean_experts <= static_cast<double>(num_experts)) return;
    throw ConfigError("router.relu", "mean_experts",
                      fmt::format("expected at most num_experts = {}, got {:g}", num_experts, options_.mean_experts));
  }

 private:
  static constexpr double kLeast = 1e-20, kMost = 1e6;

  // coefficient x E x sum over experts of (load / (target x tokens)) x mean weight
  torch::Tensor sparsity_loss(const torch::Tensor& weight_TE, const Routing& routing,
                              const torch::Tensor& token_C) const {
    const auto num_tokens = static_cast<double>(std::max<int64_t>(token_C.size(0), 1));
    const auto mean_weight_E = weight_TE.index_select(0, token_C).sum(0) / num_tokens;
    const auto load_E = routing.plan.tokens_per_expert_E.to(mean_weight_E.scalar_type());
    return (load_E * mean_weight_E).sum() *
           (coefficient_.item<double>() * static_cast<double>(num_experts()) / (options_.mean_experts * num_tokens));
  }

  Options options_;
  torch::Tensor coefficient_;  // float64 scalar
};

}  // namespace

RouterKind router_kind_relu() {
  return router_kind<ReluRouter>("every expert with a positive score, held sparse by a loss that adapts (ReMoE)");
}

}  // namespace heterodyne
