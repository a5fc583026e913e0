// Few rows times a panel of whole numbers, which become floats in registers on their way from memory.
#pragma once

#include "heterodyne/ops/compact/compact_matrix_cpu.h"

namespace heterodyne::ops::internal {

/// y of rows.count = 1, 2 or 4 rows, for panels of kPanel columns in int8 or int8_columns. False, and nothing done,
/// where the kernel path in use has no instruction for it (ops/isa.h) or the panel is narrower.
bool few_rows_int8(const CompactPanel& panel, const CompactRows& rows);

}  // namespace heterodyne::ops::internal
