#include "heterodyne/model/blocks/token_mean.h"

namespace heterodyne {

torch::Tensor mean_of_tokens(const torch::Tensor& x_BSD, const torch::Tensor& mask_BS) {
  if (!mask_BS.defined()) return x_BSD.mean(1);
  const auto is_padding_BS1 = mask_BS.logical_not().unsqueeze(2);
  const auto count_B1 = mask_BS.sum(1, true).clamp_min(1).to(x_BSD.scalar_type());
  return x_BSD.masked_fill(is_padding_BS1, 0).sum(1) / count_B1;
}

}  // namespace heterodyne
