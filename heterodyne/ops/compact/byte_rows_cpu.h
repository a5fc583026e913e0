// Rows times a panel of whole numbers, in whole numbers of 8 bits: rows are rounded to bytes with a scale for kScaled
// inputs, as the panel's own scales have them, and multiplied by its bytes four inputs at a time.
#pragma once

#include "heterodyne/ops/compact/compact_matrix_cpu.h"

namespace heterodyne::ops::internal {

/// Whether the processor multiplies so and the kernel path in use (ops/isa.h) may.
bool has_byte_products();

/// y of any number of rows, rounded as Rounding::kByte, of a panel that has inputs; `work` is kCompactWork bytes, whose
/// first lies at a cache line. Behind the panel up to 16 KB more may be asked for, and are not read.
void multiply_bytes(const CompactPanel& panel, const CompactRows& rows, void* work);

}  // namespace heterodyne::ops::internal
