// The kernels behind row_attention(): raw pointers, one sequence at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

/// Some rows ask in one sequence of S tokens. Rows of q and o are `width` apart, rows of k and v
/// `key_stride`; weights and keep are [N, H, S] with this sequence's rows at the pointers.
template <class Scalar>
struct AttentionSequence {
  int64_t num_rows;
  int64_t length;     // S
  int64_t num_heads;  // H
  int64_t width;      // D
  int64_t key_stride;
  const Scalar* q;
  const Scalar* k;
  const Scalar* v;
  const bool* mask;         // [S] or null
  const Scalar* keep;       // [rows, H, S] or null
  Scalar* weights;          // [rows, H, S]: softmax, before keep
  const int64_t* num_keys;  // [rows]: only so many of the first keys are seen; null: all
};

/// For Scalar float and double.
template <class Scalar>
struct AttentionKernels {
  /// Numbers of scratch that either needs; their values are arbitrary.
  static int64_t scratch_of(const AttentionSequence<Scalar>& sequence) {
    return sequence.length * (sequence.width / sequence.num_heads + 2 * sequence.num_rows);
  }
  /// Fills weights and o. A weight of a key that is not seen is zero.
  static void forward(const AttentionSequence<Scalar>& sequence, Scalar* o, Scalar* scratch);
  /// Fills dq and adds to dk and dv, which have the stride of k and v.
  static void backward(const AttentionSequence<Scalar>& sequence, const Scalar* d_o, Scalar* dq, Scalar* dk, Scalar* dv,
                       Scalar* scratch);
};

}  // namespace heterodyne::ops::internal
