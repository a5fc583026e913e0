// The kernels behind permute() and combine(): raw pointers, a range of pairs or tokens at a time.
#pragma once

#include <cstdint>
#include <type_traits>

namespace heterodyne::ops::internal {

/// Sums and weights are held in float32 at least.
template <class Scalar>
using Wide = std::conditional_t<std::is_same_v<Scalar, double>, double, float>;

/// The plan as pointers, and where each expert's rows lie, null without any.
template <class Scalar>
struct PlanRows {
  const int64_t* token_N;
  const int64_t* expert_N;
  const int64_t* pair_of_token_N;
  const int64_t* token_offset_T1;
  const int64_t* expert_offset_E1;
  Scalar* const* row_of_expert;
  int64_t width;

  Scalar* row(int64_t pair) const {
    Scalar* first = row_of_expert[expert_N[pair]];
    return first ? first + (pair - expert_offset_E1[expert_N[pair]]) * width : nullptr;
  }
};

/// For Scalar float, double, c10::BFloat16 and c10::Half.
template <class Scalar>
struct RowKernels {
  /// rows[p] = x[token of p] for the pairs [begin, end).
  static void gather(const PlanRows<Scalar>& rows, const Scalar* x_TD, int64_t begin, int64_t end);

  /// sum[t] = sum over the pairs p of t of weight_N[p] * rows[p] for the tokens [begin, end); weight 1 when null.
  static void sum(const PlanRows<Scalar>& rows, const Wide<Scalar>* weight_N, Scalar* sum_TD, int64_t begin,
                  int64_t end);

  /// rows[p] = weight_N[p] * x[token of p] for the pairs [begin, end).
  static void scale(const PlanRows<Scalar>& rows, const Wide<Scalar>* weight_N, const Scalar* x_TD, int64_t begin,
                    int64_t end);

  /// dot_N[p] = <x[token of p], rows[p]> for the pairs [begin, end).
  static void dot(const PlanRows<Scalar>& rows, const Scalar* x_TD, Wide<Scalar>* dot_N, int64_t begin, int64_t end);
};

}  // namespace heterodyne::ops::internal
