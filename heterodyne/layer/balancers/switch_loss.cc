// The load-balancing loss of the Switch Transformer (Fedus et al. 2021, equations 4 to 6): E times the sum over
// experts of (share of assignments) x (mean probability). Its gradient flows through the probabilities alone.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class SwitchLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    std::string normalize = "by_k";
    void visit(Fields& field) {
      field("weight", weight, "what the loss is multiplied by", at_least(0));
      field("normalize", normalize,
            "by_k: shares of the assignments, 1 at perfect balance; raw: assignments per token, k at perfect balance, "
            "as DMMoE publishes it",
            one_of("by_k", "raw"));
    }
  };

  explicit SwitchLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    const auto mean_prob_E = mean_over_tokens(routing.prob_TE, routing);
    const int64_t whole = options_.normalize == "raw" ? routing.num_counted_tokens() : routing.num_pairs();
    const auto share_E = routing.plan.tokens_per_expert_E.to(mean_prob_E.scalar_type()) /
                         static_cast<double>(std::max<int64_t>(whole, 1));
    return static_cast<double>(routing.num_experts()) * (share_E * mean_prob_E).sum();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.probabilities = true}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_switch_loss() {
  return balancer_kind<SwitchLoss>("experts x sum of load share x mean probability (Switch Transformer)", true);
}

}  // namespace heterodyne
