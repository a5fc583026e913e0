// AdamW (Loshchilov and Hutter 2019, algorithm 2): Adam with bias correction and weight decay apart from the gradient.
#include "heterodyne/train/adam.h"

namespace heterodyne {
namespace {

class AdamWOptimizer : public Adam {
 public:
  struct Options {
    AdamOptions adam;
    double weight_decay = 0.01;
    void visit(Fields& field) {
      adam.visit(field);
      field("weight_decay", weight_decay, "share of the learning rate by which weights shrink each step", at_least(0));
    }
  };

  explicit AdamWOptimizer(const Options& options) : Adam(options.adam, WeightDecay::kApart, options.weight_decay) {}
};

}  // namespace

OptimizerKind optimizer_kind_adamw() {
  return optimizer_kind<AdamWOptimizer>("Adam with weight decay apart from the gradient");
}

}  // namespace heterodyne
