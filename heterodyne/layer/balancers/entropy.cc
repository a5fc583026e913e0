// The mean entropy of a token's probabilities (Huang et al. 2024, arXiv 2403.07652, equation 8): minimised, each token
// becomes sure of its experts, so that a rule that counts probability needs few of them.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class EntropyLoss : public Balancer {
 public:
  struct Options {
    double weight = 1e-4;
    void visit(Fields& field) { field("weight", weight, "what the loss is multiplied by", at_least(0)); }
  };

  explicit EntropyLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    return mean_over_tokens(entropy_of(input.routing.prob_TE), input.routing);
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.probabilities = true}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_entropy() { return balancer_kind<EntropyLoss>("mean entropy of a token's probabilities"); }

}  // namespace heterodyne
