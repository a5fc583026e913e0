// The importance loss (Shazeer et al. 2017, equations 6 and 7): the squared coefficient of variation of the experts'
// importance, which is the sum of the weights with which they were chosen.
#include "heterodyne/layer/variation_loss.h"

namespace heterodyne {
namespace {

class ImportanceLoss : public VariationLoss {
 public:
  using VariationLoss::VariationLoss;

 private:
  torch::Tensor value_of(const Routing& routing) const override { return importance_of(routing); }
};

}  // namespace

BalancerKind balancer_kind_importance() {
  return balancer_kind<ImportanceLoss>("squared variation of the experts' summed weights (Shazeer et al.)", true);
}

}  // namespace heterodyne
