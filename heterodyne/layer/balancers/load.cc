// The load loss (Shazeer et al. 2017, equation 11): the squared coefficient of variation of the experts' loads. A
// router with noise knows an estimate of them that has a gradient, Routing::load_E; of any other the assignments are
// counted, and the loss is a number to watch, without gradient.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class LoadLoss : public Balancer {
 public:
  struct Options {
    double weight = 0.1;
    std::string variance = "population";
    void visit(Fields& field) {
      field("weight", weight, "what the loss is multiplied by", at_least(0));
      field("variance", variance, "squared deviations divided by E (population) or by E - 1 (sample)",
            one_of("population", "sample"));
    }
  };

  explicit LoadLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    const Routing& routing = input.routing;
    const auto load_E =
        routing.load_E.defined() ? routing.load_E : routing.plan.tokens_per_expert_E.to(routing.weight_N.scalar_type());
    return squared_variation(load_E, options_.variance == "sample");
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_load() {
  return balancer_kind<LoadLoss>("squared variation of the experts' expected loads (Shazeer et al.)", true);
}

}  // namespace heterodyne
