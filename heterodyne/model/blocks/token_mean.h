// Token mean: what classifiers of sequences make of their tokens.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// The mean of each example's tokens, [B, D]. Padding, where mask_BS (bool, may be undefined) is false, is left out;
/// zeros for an example of nothing else.
torch::Tensor mean_of_tokens(const torch::Tensor& x_BSD, const torch::Tensor& mask_BS);

}  // namespace heterodyne
