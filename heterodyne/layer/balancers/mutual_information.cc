// confidence x mean H(p_t) - balance x H(mean p): with both factors 1 the negative mutual information of tokens and
// experts. The first term makes each token sure of its experts, the second spreads the tokens over all of them (Mustafa
// et al. 2022, LIMoE, arXiv 2206.02770, equations 2 and 3).
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class MutualInformation : public Balancer {
 public:
  struct Options {
    double weight = 0.01;
    double confidence = 1;
    double balance = 1;
    void visit(Fields& field) {
      field("weight", weight, "what the loss is multiplied by", at_least(0));
      field("confidence", confidence, "factor of the mean entropy of a token's probabilities", at_least(0));
      field("balance", balance, "factor of the entropy of the mean probabilities, which is subtracted", at_least(0));
    }
  };

  explicit MutualInformation(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const auto& prob_TE = input.routing.prob_TE;
    const auto each = mean_over_tokens(entropy_of(prob_TE), input.routing);
    const auto all = entropy_of(mean_over_tokens(prob_TE, input.routing));
    return options_.confidence * each - options_.balance * all;
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {.probabilities = true}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_mutual_information() {
  return balancer_kind<MutualInformation>("sure tokens and even experts: minus the information an expert gives", true);
}

}  // namespace heterodyne
