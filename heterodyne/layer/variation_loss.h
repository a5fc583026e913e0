// What the losses share that ask the experts for even values: they are the squared coefficient of variation of one
// value for each expert (Shazeer et al. 2017, equation 7).
#pragma once

#include <string>

#include "heterodyne/layer/balancer.h"

namespace heterodyne {

class VariationLoss : public Balancer {
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

  explicit VariationLoss(const Options& options) : options_(options) {}

  torch::Tensor loss(const BalanceInput& input) const final {
    return squared_variation(value_of(input.routing), options_.variance == "sample");
  }
  double weight() const final { return options_.weight; }
  ScoreNeeds needs() const final { return {}; }

 private:
  /// A float [E], with gradient where there is one.
  virtual torch::Tensor value_of(const Routing& routing) const = 0;

  Options options_;
};

}  // namespace heterodyne
