#include "heterodyne/ops/permute_cpu.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cstring>

namespace heterodyne::ops::internal {
namespace {

constexpr int64_t kBlock = 64;  // columns summed before they are written, few enough for registers
constexpr int64_t kLanes = 16;  // partial sums of a dot product, in a fixed order whatever the instruction set

// Columns [first, first + size) of the sum over one token's pairs.
template <class Scalar>
void sum_block(const PlanRows<Scalar>& rows, const Wide<Scalar>* weight_N, int64_t token, int64_t first, int64_t size,
               Scalar* out) {
  Wide<Scalar> sum[kBlock] = {};
  for (int64_t place = rows.token_offset_T1[token]; place < rows.token_offset_T1[token + 1]; ++place) {
    const int64_t pair = rows.pair_of_token_N[place];
    const Scalar* row = rows.row(pair);
    if (row == nullptr) continue;
    const auto weight = weight_N ? weight_N[pair] : Wide<Scalar>(1);
    for (int64_t i = 0; i < size; ++i) sum[i] += weight * static_cast<Wide<Scalar>>(row[first + i]);
  }
  for (int64_t i = 0; i < size; ++i) out[i] = static_cast<Scalar>(sum[i]);
}

template <class Scalar>
Wide<Scalar> dot_of(const Scalar* a, const Scalar* b, int64_t width) {
  Wide<Scalar> lanes[kLanes] = {};
  for (int64_t first = 0; first < width; first += kLanes) {
    const int64_t size = std::min(kLanes, width - first);
    for (int64_t lane = 0; lane < size; ++lane) {
      lanes[lane] += static_cast<Wide<Scalar>>(a[first + lane]) * static_cast<Wide<Scalar>>(b[first + lane]);
    }
  }
  Wide<Scalar> sum = 0;
  for (const auto lane : lanes) sum += lane;
  return sum;
}

}  // namespace

template <class Scalar>
void RowKernels<Scalar>::gather(const PlanRows<Scalar>& rows, const Scalar* x_TD, int64_t begin, int64_t end) {
  const auto bytes = static_cast<size_t>(rows.width) * sizeof(Scalar);
  for (int64_t pair = begin; pair < end; ++pair) {
    if (Scalar* row = rows.row(pair)) std::memcpy(row, x_TD + rows.token_N[pair] * rows.width, bytes);
  }
}

template <class Scalar>
void RowKernels<Scalar>::sum(const PlanRows<Scalar>& rows, const Wide<Scalar>* weight_N, Scalar* sum_TD, int64_t begin,
                             int64_t end) {
  for (int64_t token = begin; token < end; ++token) {
    for (int64_t first = 0; first < rows.width; first += kBlock) {
      const int64_t size = std::min(kBlock, rows.width - first);
      sum_block(rows, weight_N, token, first, size, sum_TD + token * rows.width + first);
    }
  }
}

template <class Scalar>
void RowKernels<Scalar>::scale(const PlanRows<Scalar>& rows, const Wide<Scalar>* weight_N, const Scalar* x_TD,
                               int64_t begin, int64_t end) {
  for (int64_t pair = begin; pair < end; ++pair) {
    Scalar* row = rows.row(pair);
    if (row == nullptr) continue;
    const Scalar* x = x_TD + rows.token_N[pair] * rows.width;
    for (int64_t i = 0; i < rows.width; ++i) {
      row[i] = static_cast<Scalar>(weight_N[pair] * static_cast<Wide<Scalar>>(x[i]));
    }
  }
}

template <class Scalar>
void RowKernels<Scalar>::dot(const PlanRows<Scalar>& rows, const Scalar* x_TD, Wide<Scalar>* dot_N, int64_t begin,
                             int64_t end) {
  for (int64_t pair = begin; pair < end; ++pair) {
    const Scalar* row = rows.row(pair);
    dot_N[pair] = row ? dot_of(x_TD + rows.token_N[pair] * rows.width, row, rows.width) : Wide<Scalar>(0);
  }
}

template struct RowKernels<float>;
template struct RowKernels<double>;
template struct RowKernels<c10::BFloat16>;
template struct RowKernels<c10::Half>;

}  // namespace heterodyne::ops::internal
