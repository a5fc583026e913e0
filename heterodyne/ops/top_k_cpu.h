// The kernel behind top_k(): raw pointers, a range of rows at a time.
#pragma once

#include <cstdint>

namespace heterodyne::ops::internal {

/// Writes the columns of the k largest entries of the rows [begin, end) to column_TK. Returns the first row with a
/// NaN, or -1. For Scalar float and double.
template <class Scalar>
int64_t top_k_rows(const Scalar* score_TE, int64_t num_columns, int64_t k, int64_t* column_TK, int64_t begin,
                   int64_t end);

}  // namespace heterodyne::ops::internal
