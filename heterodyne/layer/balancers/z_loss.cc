// Router z-loss (Zoph et al. 2022, ST-MoE, equation 5): the mean over tokens of the squared log-sum-exp of the
// scores. Keeps scores small, so that the gate's softmax stays accurate.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class ZLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.001;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit ZLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    return mean_over_tokens(routing.logit_TE.logsumexp(1).pow(2), routing);
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.logits = true}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_z_loss() { return balancer_kind<ZLoss>("mean squared log-sum-exp of the scores (ST-MoE)"); }

}  // namespace heterodyne
