// Strictly balanced gating (Shazeer et al. 2017, appendix F): in training each expert keeps its share of the batch, the
// k T / E tokens with its largest gate values, where tokens are to get k experts on average; in eval mode a token goes
// to the experts whose gate values exceed their thresholds, which a loss has trained to make the same choice. The
// values of a token's experts are divided by their sum. A token may get no expert.
#include <fmt/format.h>

#include "heterodyne/layer/gated_router.h"

namespace heterodyne {
namespace {

class BatchwiseRouter : public GatedRouter {
 public:
  struct Options {
    double mean_experts = 2;
    double threshold_weight = 1;
    void visit(Fields& field) {
      field("mean_experts", mean_experts, "experts a token gets on average", more_than(0));
      field("threshold_weight", threshold_weight,
            "what the loss that trains the thresholds is multiplied by (its mean over tokens)", at_least(0));
    }
  };

  BatchwiseRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.batchwise", 1, context), options_(options) {
    const auto even_E = torch::full({num_experts()}, 1.0 / static_cast<double>(num_experts()));
    BatchwiseRouter::check_num_experts(num_experts());
    threshold_E_ = register_parameter("threshold", even_E);
  }

  Routing route(const RouteInput& input) override {
    const auto logit_TE = scores(input);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto above_TE = prob_TE - threshold_E_.to(prob_TE.scalar_type());
    const auto token_C = counted_tokens(input);
    const auto chosen_TE = is_training() ? keep_best(prob_TE, token_C) : above_TE.detach() > 0;
    const auto expert_TK =
        input.override.empty() ? marked_experts(chosen_TE, prob_TE) : choose(logit_TE, input, prob_TE);
    auto routing =
        make_routing({expert_TK, shares_at_choices(prob_TE, expert_TK), prob_TE, logit_TE}, input, num_experts());
    if (is_training()) routing.losses.emplace_back("thresholds", threshold_loss(above_TE, chosen_TE, token_C));
    return routing;
  }

  int64_t max_choices() const override { return num_experts(); }
  void check_num_experts(int64_t num_experts) const override {
    GatedRouter::check_num_experts(num_experts);
    if (options_.mean_experts <= static_cast<double>(num_experts)) return;
    throw ConfigError("router.batchwise", "mean_experts",
                      fmt::format("expected at most num_experts = {}, got {:g}", num_experts, options_.mean_experts));
  }
  std::vector<ExpertAxis> expert_axes() override {
    auto axes = GatedRouter::expert_axes();
    axes.push_back({"threshold", threshold_E_, 0});
    return axes;
  }

 private:
  torch::Tensor keep_best(const torch::Tensor& prob_TE, const torch::Tensor& token_C) const {
    const int64_t count = tokens_per_expert(options_.mean_experts, token_C.size(0), num_experts());
    return placed_rows(best_tokens(prob_TE.index_select(0, token_C), count), token_C, prob_TE.size(0));
  }

  // Equation 20: each pair on which threshold and batch disagree costs the distance of its gate value to the threshold.
  torch::Tensor threshold_loss(const torch::Tensor& above_TE, const torch::Tensor& chosen_TE,
                               const torch::Tensor& token_C) const {
    const auto above_CE = above_TE.index_select(0, token_C);
    const auto disagreement_CE = (above_CE.detach() > 0).to(above_CE.scalar_type()) -
                                 chosen_TE.index_select(0, token_C).to(above_CE.scalar_type());
    const auto num_tokens = static_cast<double>(std::max<int64_t>(token_C.size(0), 1));
    return (disagreement_CE * above_CE).sum() * (options_.threshold_weight / num_tokens);
  }

  Options options_;
  torch::Tensor threshold_E_;
};

}  // namespace

RouterKind router_kind_batchwise() {
  return router_kind<BatchwiseRouter>(
      "in training each expert its best tokens of the batch, in eval mode learned thresholds",
      {.is_causal_in_training = false, .may_drop = true, .is_balanced = true});
}

}  // namespace heterodyne
