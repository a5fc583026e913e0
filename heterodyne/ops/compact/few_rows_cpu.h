// Few rows times a panel of bfloat16, which becomes floats in registers on its way from memory.
#pragma once

#include "heterodyne/ops/compact/compact_matrix_cpu.h"

namespace heterodyne::ops::internal {

/// As many rows keep their sums in the registers of the kernel path in use (ops/isa.h); 0 where there are no registers
/// of their own.
int64_t most_few_rows();

/// y of one to most_few_rows() rows, for panels of kPanel columns. False, and nothing done, where the panel is of whole
/// numbers, narrower or without inputs, or there are more rows. Behind the panel up to 16 KB more may be asked for, and
/// are not read.
bool few_bf16_rows(const CompactPanel& panel, const CompactRows& rows);

}  // namespace heterodyne::ops::internal
