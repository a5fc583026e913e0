// The auxiliary loss of GShard (Lepikhin et al. 2020, arXiv 2006.16668, algorithm 1): the mean over experts of (share
// of tokens whose first choice it is, room or not) x (mean probability). Its gradient flows through the probabilities
// alone. At perfect balance it is 1 / E^2.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class GshardLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.1;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit GshardLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    const auto mean_prob_E = mean_over_tokens(routing.prob_TE, routing);
    const auto is_first_N = (routing.plan.choice_N == 0).to(mean_prob_E.scalar_type());
    const auto count_E = torch::zeros_like(mean_prob_E).index_add(0, routing.plan.expert_N, is_first_N);
    const auto num_tokens = static_cast<double>(std::max<int64_t>(routing.num_counted_tokens(), 1));
    return (count_E / num_tokens * mean_prob_E).mean();
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.probabilities = true}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_gshard_loss() {
  return balancer_kind<GshardLoss>("mean over experts of first-choice share x mean probability (GShard)", true);
}

}  // namespace heterodyne
