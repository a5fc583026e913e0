#include "heterodyne/ops/top_k.h"

#include <ATen/Dispatch.h>
#include <fmt/format.h>

#include <atomic>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/ops/top_k_cpu.h"

namespace heterodyne::ops {

torch::Tensor top_k(const torch::Tensor& score_TE, int64_t k, const std::string& where) {
  if (score_TE.dim() != 2 || k < 1 || k > score_TE.size(1)) {
    throw ShapeError(where, fmt::format("top {}: expected [T, E >= {}], got {}", k, k, shape_text(score_TE)));
  }
  const auto score = score_TE.detach().contiguous();
  const int64_t num_rows = score.size(0), num_columns = score.size(1);
  auto column_TK = torch::empty({num_rows, k}, torch::kInt64);
  std::atomic<int64_t> bad_row = -1;
  AT_DISPATCH_FLOATING_TYPES(score.scalar_type(), "top_k", [&] {
    parallel_for(0, num_rows, (1 << 15) / num_columns + 1, [&](int64_t begin, int64_t end) {
      const int64_t bad = internal::top_k_rows(score.const_data_ptr<scalar_t>(), num_columns, k,
                                               column_TK.data_ptr<int64_t>(), begin, end);
      int64_t known = bad_row;
      while (bad >= 0 && (known < 0 || bad < known) && !bad_row.compare_exchange_weak(known, bad)) {
      }
    });
  });
  if (bad_row >= 0) {
    const int64_t num_bad = torch::isnan(score).any(1).sum().item<int64_t>();
    throw Error(where, fmt::format("scores: expected numbers, got NaN for {} of {} tokens, the first is token {}",
                                   with_commas(num_bad), with_commas(num_rows), bad_row.load()));
  }
  return column_TK;
}

}  // namespace heterodyne::ops
