#include "heterodyne/layer/balancer.h"

namespace heterodyne {

BalancerRegistry empty_balancers() { return BalancerRegistry("balancer"); }

torch::Tensor mean_over_tokens(const torch::Tensor& value, const Routing& routing) {
  const auto num_counted = static_cast<double>(std::max<int64_t>(routing.num_counted_tokens(), 1));
  if (!routing.mask_T.defined()) return value.sum(0) / num_counted;
  // index_select, not a product with the mask: padding may hold anything, NaN too.
  return value.index_select(0, routing.mask_T.nonzero().squeeze(1)).sum(0) / num_counted;
}

}  // namespace heterodyne
