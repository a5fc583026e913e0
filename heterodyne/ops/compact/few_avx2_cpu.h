// Few rows times a panel of bfloat16, which becomes floats in registers of eight values on its way from memory.
#pragma once

#include "heterodyne/ops/compact/compact_matrix_cpu.h"

namespace heterodyne::ops::internal {

/// y of one to four rows, for panels of kPanel columns. False, and nothing done, where the kernel path in use is
/// another (ops/isa.h), the panel is of whole numbers, narrower or without inputs, or there are more rows. Behind the
/// panel up to 16 KB more may be asked for, and are not read.
bool few_rows_avx2(const CompactPanel& panel, const CompactRows& rows);

}  // namespace heterodyne::ops::internal
