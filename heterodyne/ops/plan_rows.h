// What permute() and combine() share: the plan and the experts' tensors as the pointers that kernels take.
#pragma once

#include <vector>

#include "heterodyne/ops/permute_cpu.h"
#include "heterodyne/ops/routing_plan.h"

namespace heterodyne::ops::internal {

/// Keeps the arrays alive that a PlanRows points into.
template <class Scalar>
class RowPointers {
 public:
  /// `rows_of_expert[e]` is contiguous [n, width], or undefined.
  RowPointers(const RoutingPlan& plan, const std::vector<torch::Tensor>& rows_of_expert, int64_t width)
      : offsets_(plan.expert_offsets()) {
    for (const auto& rows : rows_of_expert) {
      const bool present = rows.defined() && rows.numel() > 0;
      row_of_expert_.push_back(present ? static_cast<Scalar*>(rows.data_ptr()) : nullptr);
    }
    rows_ = {plan.token_N.const_data_ptr<int64_t>(),
             plan.expert_N.const_data_ptr<int64_t>(),
             plan.pair_of_token_N.const_data_ptr<int64_t>(),
             plan.token_offset_T1.const_data_ptr<int64_t>(),
             offsets_.data(),
             row_of_expert_.data(),
             width};
  }
  RowPointers(const RowPointers&) = delete;
  RowPointers& operator=(const RowPointers&) = delete;

  const PlanRows<Scalar>& rows() const { return rows_; }

 private:
  std::vector<int64_t> offsets_;
  std::vector<Scalar*> row_of_expert_;
  PlanRows<Scalar> rows_;
};

/// Pairs or tokens that one thread takes at least, for rows of this width.
inline int64_t grain_of(int64_t width) { return (1 << 15) / (width + 1) + 1; }

}  // namespace heterodyne::ops::internal
