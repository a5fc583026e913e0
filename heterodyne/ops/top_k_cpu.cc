#include "heterodyne/ops/top_k_cpu.h"

namespace heterodyne::ops::internal {
namespace {

// Insertion into a sorted list of at most k columns: a column moves ahead only of strictly smaller entries, so equal
// ones stay in order of position.
template <class Scalar>
void insert(const Scalar* score, int64_t column, int64_t k, int64_t* columns, int64_t& size) {
  if (size == k && !(score[column] > score[columns[k - 1]])) return;
  int64_t place = size < k ? size++ : k - 1;
  for (; place > 0 && score[column] > score[columns[place - 1]]; --place) columns[place] = columns[place - 1];
  columns[place] = column;
}

}  // namespace

template <class Scalar>
int64_t top_k_rows(const Scalar* score_TE, int64_t num_columns, int64_t k, int64_t* column_TK, int64_t begin,
                   int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const Scalar* score = score_TE + row * num_columns;
    int64_t size = 0;
    for (int64_t column = 0; column < num_columns; ++column) {
      if (score[column] != score[column]) return row;
      insert(score, column, k, column_TK + row * k, size);
    }
  }
  return -1;
}

template int64_t top_k_rows(const float*, int64_t, int64_t, int64_t*, int64_t, int64_t);
template int64_t top_k_rows(const double*, int64_t, int64_t, int64_t*, int64_t, int64_t);

}  // namespace heterodyne::ops::internal
