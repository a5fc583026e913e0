// AdaMoE (Zeng et al. 2024, arXiv 2406.13233): top k over true and null experts, so that a token gets fewer true ones
// the more null ones it chooses. Probabilities are divided by the sum of those of the chosen true experts; with none
// the answer is zero. The balance loss counts every null expert with the average load of them all, since they are
// alike.
//
// Null experts are those of kinds that answer nothing; the layer carries no token to them.
#include <algorithm>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

class NullExpertsRouter : public GatedRouter {
 public:
  struct Options {
    int64_t k = 3;
    double balance_weight = 0.001;
    void visit(Fields& field) {
      field("k", k, "experts each token chooses, null ones included", at_least(1));
      field("balance_weight", balance_weight,
            "what the balance loss, in which null experts share their load, is multiplied by; 0 for none", at_least(0));
    }
  };

  NullExpertsRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.null_experts", options.k, context), options_(options) {
    is_null_E_ = null_flags(context.experts);
  }

  Routing route(const RouteInput& input) override {
    const auto logit_TE = scores(input);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = choose(logit_TE, input, prob_TE);
    const auto weight_TK = shares_at_choices(prob_TE.masked_fill(is_null_E_, 0), expert_TK);
    auto routing = make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
    if (options_.balance_weight > 0)
      routing.losses.emplace_back("null_balance", options_.balance_weight * balance_loss(prob_TE, routing, input));
    return routing;
  }

  void check_experts(const std::vector<ExpertInfo>& experts) const override {
    GatedRouter::check_experts(experts);
    null_flags(experts);
  }
  void set_experts(const std::vector<ExpertInfo>& experts) override {
    GatedRouter::set_experts(experts);
    is_null_E_ = null_flags(experts);
  }

 private:
  static torch::Tensor null_flags(const std::vector<ExpertInfo>& experts) {
    auto is_null_E = torch::zeros({static_cast<int64_t>(experts.size())}, torch::kBool);
    for (size_t e = 0; e < experts.size(); ++e) is_null_E[static_cast<int64_t>(e)] = experts[e].is_null;
    if (is_null_E.all().item<bool>())
      throw ConfigError("router.null_experts", "kind", "expected an expert that answers, got null experts alone");
    return is_null_E;
  }

  // E x sum over experts of load share x mean probability, as in the Switch Transformer but for the null experts.
  torch::Tensor balance_loss(const torch::Tensor& prob_TE, const Routing& routing, const RouteInput& input) const {
    const auto token_C = counted_tokens(input);
    const auto mean_prob_E =
        prob_TE.index_select(0, token_C).sum(0) / static_cast<double>(std::max<int64_t>(token_C.size(0), 1));
    auto share_E = routing.plan.tokens_per_expert_E.to(mean_prob_E.scalar_type()) /
                   static_cast<double>(std::max<int64_t>(routing.num_pairs(), 1));
    const auto null_E = is_null_E_.to(share_E.scalar_type());
    const auto null_mean = (share_E * null_E).sum() / null_E.sum().clamp_min(1);
    share_E = torch::where(is_null_E_, null_mean, share_E);
    return static_cast<double>(num_experts()) * (share_E * mean_prob_E).sum();
  }

  Options options_;
  torch::Tensor is_null_E_;  // bool; known from the layer's experts, so no checkpoint needs to hold it
};

}  // namespace

RouterKind router_kind_null_experts() {
  return router_kind<NullExpertsRouter>("top k over true and null experts, so that tokens differ in cost (AdaMoE)");
}

}  // namespace heterodyne
