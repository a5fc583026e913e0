// The importance loss (Shazeer et al. 2017, equations 6 and 7): the squared coefficient of variation of the experts'
// importance, which is the sum of the weights with which they were chosen.
#include "heterodyne/layer/balancer.h"

namespace heterodyne {
namespace {

class ImportanceLoss : public Balancer {
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

  explicit ImportanceLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const override {
    return squared_variation(importance_of(input.routing), options_.variance == "sample");
  }

  double weight() const override { return options_.weight; }
  ScoreNeeds needs() const override { return {}; }

 private:
  Options options_;
};

}  // namespace

BalancerKind balancer_kind_importance() {
  return balancer_kind<ImportanceLoss>("squared variation of the experts' summed weights (Shazeer et al.)", true);
}

}  // namespace heterodyne
