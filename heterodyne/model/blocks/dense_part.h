// Dense part: a feed-forward part that is one expert for all tokens.
//
// Letters: B sequences, S tokens of a sequence, D width, O output width.
#pragma once

#include "heterodyne/layer/expert.h"

namespace heterodyne {

/// The expert's answers to the tokens of x_BSD, [B, S, O]; zeros at padding, where mask_BS (bool, may be undefined) is
/// false, which it is not asked about.
torch::Tensor dense_answer(Expert& expert, const torch::Tensor& x_BSD, const torch::Tensor& mask_BS, RandomKey random);

}  // namespace heterodyne
