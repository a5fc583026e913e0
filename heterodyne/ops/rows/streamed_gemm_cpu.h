// Rows times a panel that comes from memory: few rows do so little with each weight that the reading is most of the
// work, so what the next block of the panel needs is asked for while this one is multiplied.
#pragma once

#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops::internal {

/// The bits of tile_gemm(), for B a whole panel: columns = stride_b = kPanel. Any number of rows and any depth.
/// Behind the panel up to 64 KB more may be asked for, and are not read.
void streamed_gemm(const TileShape& shape, bool add, const float* a, const float* b, float* c);

}  // namespace heterodyne::ops::internal
