// Gating residuals of MoE++ (Jin et al. 2024, arXiv 2410.07348, equations 6 to 9): to the scores of a layer a linear
// map of the scores of the MoE layer before it is added; the first layer has none before it. Its balance loss asks less
// of the experts that cost next to nothing (zero, copy and constant), so that more tokens go there.
//
// All such layers of a network must have equal numbers of experts.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

class ResidualRouter : public GatedRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string weights = "renormalized";
    double balance_weight = 0.01;
    double tau = 0.75;
    std::vector<std::string> cheap_kinds = {"zero", "copy", "constant"};
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("weights", weights,
            "what the selected weigh: their probabilities divided by the sum of those that answer something, or as "
            "they are",
            one_of("renormalized", "score"));
      field("balance_weight", balance_weight, "what the balance loss is multiplied by; 0 for none", at_least(0));
      field("tau", tau, "how much the cheap experts count in the balance loss; others count 1", at_least(0),
            effective_when(balance_weight > 0, "balance_weight = 0"));
      field("cheap_kinds", cheap_kinds, "the kinds of experts that count as cheap", list_or_none(),
            effective_when(balance_weight > 0, "balance_weight = 0"));
    }
  };

  ResidualRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.residual", options.k, context), options_(options) {
    const nn::LinearOptions square{num_experts(), num_experts(), false};
    before_ = register_module("before", std::make_shared<nn::Linear>(square, context.init.at("before")));
    learn(context.experts);
  }

  Routing route(const RouteInput& input) override {
    auto logit_TE = scores(input);
    if (input.previous_logit_TE.defined()) {
      check_previous(input);
      logit_TE = logit_TE + gate_scores(input.previous_logit_TE.to(before_->weight().matrix().scalar_type()), *before_);
    }
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = choose(logit_TE, input, prob_TE);
    const auto weight_TK = options_.weights == "score"
                               ? at_choices(prob_TE, expert_TK, 0)
                               : shares_at_choices(prob_TE.masked_fill(is_null_E_, 0), expert_TK);
    auto routing = make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
    if (options_.balance_weight > 0)
      routing.losses.emplace_back("balance", options_.balance_weight * balance_loss(prob_TE, routing, input));
    return routing;
  }

  bool needs_previous_logits() const override { return true; }
  void set_experts(const std::vector<ExpertInfo>& experts) override {
    GatedRouter::set_experts(experts);
    learn(experts);
  }

  std::vector<ExpertAxis> expert_axes() override {
    auto axes = GatedRouter::expert_axes();
    for (const int64_t axis : {0, 1}) axes.push_back({"before.weight", before_->weight().matrix(), axis});
    return axes;
  }
  double macs_per_token() const override { return GatedRouter::macs_per_token() + before_->macs(); }

 private:
  void learn(const std::vector<ExpertInfo>& experts) {
    is_null_E_ = torch::zeros({static_cast<int64_t>(experts.size())}, torch::kBool);
    part_E_ = torch::ones({static_cast<int64_t>(experts.size())}, torch::kFloat64);
    for (size_t e = 0; e < experts.size(); ++e) {
      const auto& cheap = options_.cheap_kinds;
      is_null_E_[static_cast<int64_t>(e)] = experts[e].is_null;
      if (std::find(cheap.begin(), cheap.end(), experts[e].kind) != cheap.end())
        part_E_[static_cast<int64_t>(e)] = options_.tau;
    }
  }

  void check_previous(const RouteInput& input) const {
    const int64_t before = input.previous_logit_TE.size(1);
    if (before == num_experts()) return;
    throw Error(name(), fmt::format("router \"residual\": expected scores of {} experts from the MoE layer before, got "
                                    "{}; give all such layers equal numbers of experts",
                                    num_experts(), before));
  }

  // Equation 8: sum over experts of part x assignments per token x mean probability.
  torch::Tensor balance_loss(const torch::Tensor& prob_TE, const Routing& routing, const RouteInput& input) const {
    const auto token_C = counted_tokens(input);
    const auto num_tokens = static_cast<double>(std::max<int64_t>(token_C.size(0), 1));
    const auto mean_prob_E = prob_TE.index_select(0, token_C).sum(0) / num_tokens;
    const auto load_E = part_E_ * routing.plan.tokens_per_expert_E / num_tokens;
    return (load_E.to(mean_prob_E.scalar_type()) * mean_prob_E).sum();
  }

  Options options_;
  std::shared_ptr<nn::Linear> before_;
  torch::Tensor is_null_E_, part_E_;  // known from the layer's experts, so no checkpoint needs to hold them
};

}  // namespace

RouterKind router_kind_residual() {
  return router_kind<ResidualRouter>("softmax gate that also reads the scores of the MoE layer before it (MoE++)");
}

}  // namespace heterodyne
