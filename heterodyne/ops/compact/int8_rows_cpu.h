// Rows times a panel of whole numbers, in whole numbers: rows are rounded to 16 bits with a scale for kScaled inputs,
// as the panel's own scales have them, so that sums over those are exact, whatever the instruction set.
#pragma once

#include "heterodyne/ops/compact/compact_matrix_cpu.h"

namespace heterodyne::ops::internal {

/// y of any number of rows, rounded as Rounding::kWhole, of a panel that has inputs; `work` is kCompactWork bytes.
/// Behind the panel up to 8 KB more may be asked for, and are not read.
void multiply_int8(const CompactPanel& panel, const CompactRows& rows, void* work);

}  // namespace heterodyne::ops::internal
