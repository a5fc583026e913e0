// Expert choice (Zhou et al. 2022): each expert takes the tokens that want it most, c T / E of them, so loads are equal
// and a token gets any number of experts. A token's probabilities are its weights. Whether a token is taken depends on
// the other tokens, later ones too: for encoders and images, not for generating text.
//
// With a cap on the experts of a token, the choice follows the plan that maximises the sum of probabilities under both
// limits (equation 3 there), rounded to whole pairs.
#include <fmt/format.h>

#include "heterodyne/layer/gated_router.h"
#include "heterodyne/ops/assignment.h"
#include "heterodyne/ops/transport.h"

namespace heterodyne {
namespace {

class ExpertChoiceRouter : public GatedRouter {
 public:
  struct Options {
    double capacity_factor = 2;
    int64_t max_experts_per_token = 0;
    std::string scope = "batch";
    void visit(Fields& field) {
      field("capacity_factor", capacity_factor, "experts a token gets on average", more_than(0));
      field("max_experts_per_token", max_experts_per_token, "no token gets more experts than this; 0 for no such limit",
            at_least(0));
      field("scope", scope, "the tokens among which an expert chooses: those of a batch, or of each sequence by itself",
            one_of("batch", "sequence"));
    }
  };

  ExpertChoiceRouter(const Options& options, const RouterContext& context)
      : GatedRouter("router.expert_choice", 1, context), options_(options) {
    ExpertChoiceRouter::check_num_experts(num_experts());
  }

  Routing route(const RouteInput& input) override {
    const auto logit_TE = scores(input);
    const auto prob_TE = logit_TE.softmax(-1);
    const auto expert_TK = input.override.empty() ? marked_experts(choose_tokens(prob_TE.detach(), input), prob_TE)
                                                  : choose(logit_TE, input, prob_TE);
    return make_routing({expert_TK, at_choices(prob_TE, expert_TK, 0), prob_TE, logit_TE}, input, num_experts());
  }

  int64_t max_choices() const override {
    return options_.max_experts_per_token > 0 ? options_.max_experts_per_token : num_experts();
  }
  void check_num_experts(int64_t num_experts) const override {
    GatedRouter::check_num_experts(num_experts);
    const int64_t cap = options_.max_experts_per_token;
    if (cap == 0) return;
    if (cap > num_experts) {
      throw ConfigError("router.expert_choice", "max_experts_per_token",
                        fmt::format("expected at most num_experts = {}, got {}", num_experts, cap));
    }
    if (static_cast<double>(cap) < options_.capacity_factor) {
      throw ConfigError(
          "router.expert_choice", "max_experts_per_token",
          fmt::format("expected 0 or at least capacity_factor = {:g}, got {}", options_.capacity_factor, cap));
    }
  }

 private:
  torch::Tensor choose_tokens(const torch::Tensor& prob_TE, const RouteInput& input) const {
    if (options_.scope == "batch") return choose_among(counted_tokens(input), prob_TE);
    auto chosen_TE = torch::zeros(prob_TE.sizes(), torch::kBool);
    for (const auto& token_C : counted_tokens_by_sequence(input)) chosen_TE |= choose_among(token_C, prob_TE);
    return chosen_TE;
  }

  torch::Tensor choose_among(const torch::Tensor& token_C, const torch::Tensor& prob_TE) const {
    const int64_t C = token_C.size(0), E = num_experts();
    const int64_t count = tokens_per_expert(options_.capacity_factor, C, E);
    const auto prob_CE = prob_TE.index_select(0, token_C);
    const bool is_capped = options_.max_experts_per_token > 0 && C > 0;
    return placed_rows(is_capped ? capped(prob_CE, count) : best_tokens(prob_CE, count), token_C, prob_TE.size(0));
  }

  torch::Tensor capped(const torch::Tensor& prob_CE, int64_t count) const {
    const int64_t cap = options_.max_experts_per_token, room = prob_CE.size(0) * cap / num_experts();
    count = std::min(count, std::max<int64_t>(room, 1));
    const auto log_plan_CE =
        ops::capped_plan(prob_CE, {.column_sum = static_cast<double>(count), .row_most = static_cast<double>(cap)});
    // Entries that the plan holds at 1 are told apart by their probability.
    return ops::limited_pairs(log_plan_CE + prob_CE, {.per_column = count, .per_row = cap});
  }

  Options options_;
};

}  // namespace

RouterKind router_kind_expert_choice() {
  return router_kind<ExpertChoiceRouter>("each expert takes the tokens that want it most",
                                         {.is_causal = false, .may_drop = true, .is_balanced = true});
}

}  // namespace heterodyne
