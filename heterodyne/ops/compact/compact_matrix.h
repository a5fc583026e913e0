// Compact matrix: a weight matrix that does not learn, in half or a quarter of float32's memory. Products with it take
// float32 rows and give float32 answers and gradients; what is rounded on the way is said at compact_product().
//
//   bf16          the upper half of float32: 8 bits of precision
//   int8          whole numbers of -127 .. 127 times a scale for each 32 inputs of an output (bfloat16): 8.5 bits
//   int8_columns  the same with one scale for all inputs of an output (float32)
//
// Values are rounded to the nearest. NaN stays NaN; infinity stays in bf16, and in int8 makes all that shares its scale
// NaN, so that neither vanishes.
//
// Letters: N rows, I inputs, O outputs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/base/torch.h"
#include "heterodyne/ops/compact/compact.h"

namespace heterodyne::ops {

struct CompactMatrix {
  Compact format = Compact::kBf16;
  int64_t outputs = 0, inputs = 0;
  /// Panels of 64 outputs, filled up to a multiple of 16 with zeros, one after the other: bf16 [I / 2, columns, 2], an
  /// odd last input with a zero beside it; int8 [I, columns].
  torch::Tensor values;
  /// Of each panel: bfloat16 [I / 32, columns], or float32 [columns]. Undefined in bf16.
  torch::Tensor scales;
  /// Where they lie: there are thousands of experts, and tensors are asked for it once.
  void *values_at = nullptr, *scales_at = nullptr;

  int64_t num_bytes() const;
};
using CompactPointer = std::shared_ptr<const CompactMatrix>;

/// Throws ShapeError unless matrix_OI is a float32 CPU tensor [outputs, inputs].
CompactPointer compacted(const torch::Tensor& matrix_OI, Compact format);

/// In bf16 the transpose of a float32 CPU tensor [inputs, outputs]. Throws ShapeError for another.
CompactPointer compacted_transpose(const torch::Tensor& matrix_IO);

/// float32 [O, I]: what the matrix stands for.
torch::Tensor expanded(const CompactMatrix& matrix);
/// bfloat16 [O, I], the same values. Throws Error unless the format is kBf16.
torch::Tensor rounded_values(const CompactMatrix& matrix);
/// Those of its rows, float32 [..., I], for indices of any shape within 0 .. O - 1.
torch::Tensor expanded_rows(const CompactMatrix& matrix, const torch::Tensor& index);

/// x_NI times the transposed matrix, plus the bias when it is defined: [N, O], with the gradients of x_NI (that of what
/// the matrix stands for) and of the bias, and no second derivatives. The matrix itself learns nothing; `learning_OI`,
/// where it is defined, takes the gradient in its place: what it was made of, as if rounding were not there
/// (straight-through). Rows meet whole numbers as whole numbers of 16 bits, or of 8 where there are more than three and
/// the processor multiplies bytes (AVX-512 VNNI), each 32 neighbours with a scale of their own; NaN and infinity make a
/// row's answers NaN there, and neighbours of at most 1e-30 count as zeros. A few rows meet bfloat16 as they are, more
/// of them meet it expanded to float32 in the cache. Where has_bf16_tiles() (tile_gemm.h), many rows are rounded to
/// bfloat16 and multiplied so, and whole numbers too where has_tile_unit(); and where something learns in the place of
/// a bf16 matrix, the factors of both gradients (Micikevicius et al. 2018). Sums are in float32. The same bits for any
/// number of threads; a row's digits depend on how many come with it. Throws ShapeError unless x_NI is float32 [N, I]
/// on a CPU.
torch::Tensor compact_product(const torch::Tensor& x_NI, const CompactMatrix& matrix, const torch::Tensor& bias_O = {},
                              const torch::Tensor& learning_OI = {});

}  // namespace heterodyne::ops
