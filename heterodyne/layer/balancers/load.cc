// The load loss (Shazeer et al. 2017, equation 11): the squared coefficient of variation of the experts' loads. A
// router with noise knows an estimate of them that has a gradient, Routing::load_E; of any other the assignments are
// counted, and the loss is a number to watch, without gradient.
#include "heterodyne/layer/variation_loss.h"

namespace heterodyne {
namespace {

class LoadLoss : public VariationLoss {
 public:
  using VariationLoss::VariationLoss;

 private:
  torch::Tensor value_of(const Routing& routing) const override {
    if (routing.load_E.defined()) return routing.load_E;
    return routing.plan.tokens_per_expert_E.to(routing.weight_N.scalar_type());
  }
};

}  // namespace

BalancerKind balancer_kind_load() {
  return balancer_kind<LoadLoss>("squared variation of the experts' expected loads (Shazeer et al.)", true);
}

}  // namespace heterodyne
