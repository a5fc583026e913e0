// The kernels behind any_gate(): raw pointers, a range of tokens at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

template <class Scalar>
struct AnyGateArgs {
  const Scalar *dot_TE, *length_T, *threshold_E;
  Scalar scale;
  int64_t E;
  bool takes_best;
};

/// Writes logits, and of each token the number of its experts and these, best first, at the beginning of its row.
/// Returns the first token with a NaN, or -1.
template <class Scalar>
int64_t any_gate_rows(const AnyGateArgs<Scalar>& args, Scalar* logit_TE, int32_t* expert_TE, int64_t* count_T,
                      int64_t begin, int64_t end);

/// Of the tokens [begin, end), what their gates and logits say about the rest.
template <class Scalar>
struct AnyGateBack {
  const int64_t* expert_TK;
  int64_t K;
  const Scalar *dgate_TK, *dlogit_TE;  // or null
  Scalar *ddot_TE, *dlength_T;
  double* sum_E1;  // added to: for each threshold, then the scale
};
template <class Scalar>
void any_gate_rows_back(const AnyGateArgs<Scalar>& args, const AnyGateBack<Scalar>& back, int64_t begin, int64_t end);

}  // namespace heterodyne::ops::internal
