// Fixed sinusoid positions (Vaswani et al. 2017, section 3.5).
//
// Letters: S tokens, D width.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// float32 [S, D]: sin(p w_i) in column 2i, cos(p w_i) in column 2i + 1, w_i = exp(-2i ln 10000 / D).
torch::Tensor sinusoid_positions(int64_t S, int64_t D);

}  // namespace heterodyne
