#include "heterodyne/layer/router.h"

namespace heterodyne {

RouterRegistry empty_routers() { return RouterRegistry("router"); }

bool Router::aim(int64_t position, const torch::Tensor& toward_D) {
  const auto embedding_EP = embeddings();
  if (!embedding_EP.defined() || embedding_EP.size(1) != toward_D.size(0)) return false;
  const torch::NoGradGuard no_grad;
  const auto length_E = embedding_EP.norm(2, -1);
  const int64_t num_others = embedding_EP.size(0) - 1;
  const auto others = length_E.sum() - length_E[position];
  const auto length = num_others > 0 ? others / num_others : length_E[position];
  embedding_EP[position].copy_(toward_D * (length / toward_D.norm()));
  return true;
}

}  // namespace heterodyne
