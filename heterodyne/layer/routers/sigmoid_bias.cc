// Loss-free balancing (Wang et al. 2024, algorithm 1) as DeepSeek-V3 uses it: experts are selected by score plus a bias
// that rises after each step for experts with fewer tokens than the mean and falls for those with more; they weigh what
// their scores say without the bias. Experts may be limited to a token's best groups (DeepSeek-V2, section 2.1.2).
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "heterodyne/layer/linear_gate_router.h"

namespace heterodyne {
namespace {

class SigmoidBiasRouter : public LinearGateRouter {
 public:
  struct Options {
    int64_t k = 2;
    std::string score = "sigmoid";
    bool renormalize = true;
    double scale = 1;
    double bias_rate = 0.001;
    std::string bias_rule = "sign";
    int64_t groups = 1;
    int64_t k_groups = 1;
    std::string group_score = "sum_of_best";
    double init_std = 0;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("score", score, "what is made of the logits", one_of_scores());
      field("renormalize", renormalize, "whether the selected scores are divided by their sum");
      field("scale", scale, "what the weights are multiplied by", more_than(0));
      field("bias_rate", bias_rate, "how far a bias moves after a step; 0 keeps it", at_least(0));
      field("bias_rule", bias_rule, "a bias moves by the rate, or by the rate x (mean load - load) / mean load",
            one_of("sign", "proportional"));
      field("groups", groups, "equal groups of experts, by position", at_least(1));
      field("k_groups", k_groups, "groups that a token's experts come from", at_least(1),
            effective_when(groups > 1, "groups = 1"));
      field("group_score", group_score,
            "what a group is judged by: the sum of its k / k_groups best biased scores, or the best one",
            one_of("sum_of_best", "max"), effective_when(groups > 1, "groups = 1"));
      field("init_std", init_std, kInitStdSentence, at_least(0));
    }
  };

  SigmoidBiasRouter(const Options& options, const RouterContext& context)
      : LinearGateRouter("router.sigmoid_bias", options.k, options.init_std, context), options_(options) {
    SigmoidBiasRouter::check_num_experts(num_experts());
    bias_E_ = register_buffer("selection_bias", torch::zeros({num_experts()}));
  }

  Routing route(const RouteInput& input) override {
    const auto logit_TE = logits(input);
    const auto score_TE = score_of(options_.score, logit_TE);
    const auto prob_TE = options_.score == "softmax" ? score_TE : shares_of(score_TE);
    auto biased_TE = score_TE.detach() + bias_E_.to(score_TE.scalar_type());
    if (options_.groups > 1 && input.override.empty()) biased_TE = in_best_groups(biased_TE);
    const auto expert_TK = choose(biased_TE, input, prob_TE);
    auto weight_TK = options_.renormalize ? shares_at_choices(score_TE, expert_TK) : at_choices(score_TE, expert_TK, 0);
    if (options_.scale != 1) weight_TK = weight_TK * options_.scale;
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, num_experts());
  }

  void after_step(const Sums& sums) override {
    const auto found = sums.find("assignments_E");
    if (found == sums.end() || found->second.numel() != num_experts()) return;
    const double mean = found->second.mean().item<double>();
    if (mean == 0) return;
    const auto missing_E = mean - found->second;
    const auto move_E = options_.bias_rule == "sign" ? missing_E.sign() : missing_E / mean;
    const torch::NoGradGuard no_grad;
    bias_E_.add_(move_E.to(bias_E_.scalar_type()), options_.bias_rate);
  }

  torch::Tensor selection_bias() override { return bias_E_; }
  bool moves_bias() const override { return options_.bias_rate > 0; }
  std::vector<ExpertAxis> expert_axes() override {
    auto axes = LinearGateRouter::expert_axes();
    axes.push_back({"selection_bias", bias_E_, 0});
    return axes;
  }
  void check_num_experts(int64_t num_experts) const override {
    LinearGateRouter::check_num_experts(num_experts);
    const int64_t groups = options_.groups, k_groups = options_.k_groups, k = options_.k;
    const auto refuse = [](const char* key, const std::string& message) {
      throw ConfigError("router.sigmoid_bias", key, message);
    };
    if (num_experts % groups != 0)
      refuse("groups", fmt::format("expected a divisor of num_experts = {}, got {}", num_experts, groups));
    if (k_groups > groups) refuse("k_groups", fmt::format("expected at most groups = {}, got {}", groups, k_groups));
    if (k < k_groups) refuse("k_groups", fmt::format("expected at most k = {}, got {}", k, k_groups));
    const int64_t reachable = num_experts / groups * k_groups;
    if (k > reachable)
      refuse("k",
             fmt::format("expected at most {}, the experts of k_groups = {} groups, got {}", reachable, k_groups, k));
  }

 private:
  // The scores, minus infinity outside each token's best groups.
  torch::Tensor in_best_groups(const torch::Tensor& biased_TE) const {
    const int64_t T = biased_TE.size(0), G = options_.groups, M = num_experts() / G;
    const auto biased_NM = biased_TE.view({T * G, M});
    const int64_t num_best = options_.group_score == "max" ? 1 : std::min(M, options_.k / options_.k_groups);
    const auto best_NK = std::get<0>(biased_NM.topk(num_best, 1));
    const auto kept_TK = best(best_NK.sum(1).view({T, G}), options_.k_groups);
    const auto is_out_TG = torch::ones({T, G}, torch::kBool).scatter(1, kept_TK, false);
    return biased_TE.view({T, G, M})
        .masked_fill(is_out_TG.unsqueeze(2), -std::numeric_limits<double>::infinity())
        .view({T, G * M});
  }

  Options options_;
  torch::Tensor bias_E_;
};

}  // namespace

RouterKind router_kind_sigmoid_bias() {
  return router_kind<SigmoidBiasRouter>("sigmoid gate, k best experts by score plus a bias that evens their loads");
}

}  // namespace heterodyne
