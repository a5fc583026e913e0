// Adam (Kingma and Ba 2015, algorithm 1) with bias correction; weight decay, if any, is added to the gradient.
#include "heterodyne/train/adam.h"

namespace heterodyne {
namespace {

class AdamOptimizer : public Adam {
 public:
  struct Options {
    AdamOptions adam;
    double weight_decay = 0;
    void visit(Fields& field) {
      adam.visit(field);
      field("weight_decay", weight_decay, "times the weights is added to the gradient", at_least(0));
    }
  };

  explicit AdamOptimizer(const Options& options) : Adam(options.adam, WeightDecay::kInGradient, options.weight_decay) {}
};

}  // namespace

OptimizerKind optimizer_kind_adam() {
  return optimizer_kind<AdamOptimizer>("mean gradient over the root of the mean squared gradient");
}

}  // namespace heterodyne
