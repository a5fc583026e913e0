// Balancing without a loss (Wang et al. 2024, arXiv 2408.15664, algorithm 1): after each step the bias with which a
// router selects is raised for experts with fewer assignments than the mean and lowered for those with more. Weights
// are made without the bias, so it disturbs no gradient.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class BiasUpdate : public Balancer {
 public:
  struct Options {
    double rate = 0.001;
    std::string rule = "sign";
    void visit(Fields& field) {
      field("rate", rate, "what a bias changes by after a step", at_least(0));
      field("rule", rule,
            "sign: by the rate, up or down; proportional: by the rate times the difference from the mean load, as a "
            "share of it",
            one_of("sign", "proportional"));
    }
  };

  explicit BiasUpdate(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput&) const override { return {}; }

  void after_step(Router& router, const Sums& sums) override {
    auto bias_E = router.selection_bias();
    if (!bias_E.defined())
      throw Error("balancer.bias_update", "expected a router with a selection bias, got one without");
    const auto load_E = sums.at("assignments_E");
    const auto mean = load_E.mean();
    auto lack_E = mean - load_E;
    lack_E = options_.rule == "sign" ? lack_E.sign() : lack_E / mean.clamp_min(1e-20);
    const torch::NoGradGuard no_grad;
    bias_E.add_((options_.rate * lack_E).to(bias_E));
  }

  double weight() const override { return 0; }
  ScoreNeeds needs() const override { return {}; }
  bool needs_selection_bias() const override { return true; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_bias_update() {
  return balancer_kind<BiasUpdate>("no loss: after a step the bias of busy experts falls, that of idle ones rises",
                                   true);
}

}  // namespace heterodyne
