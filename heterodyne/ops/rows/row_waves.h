// RowWaves: a row for each pair, made expert by expert and summed into the row of the pair's token, without memory for
// all of them: the experts work in waves, and while one makes its rows those of the wave before are summed.
//
// Letters: T tokens, E experts, N chosen pairs, W width of a row.
#pragma once

#include <functional>
#include <vector>

#include "heterodyne/ops/routing_plan.h"
#include "heterodyne/ops/rows/row_waves_cpu.h"

namespace heterodyne::ops::internal {

class RowWaves {
 public:
  /// `offsets`: plan.expert_offsets(). Both must outlive it.
  RowWaves(const RoutingPlan& plan, const std::vector<int64_t>& offsets, int64_t width)
      : plan_(plan), offsets_(offsets), width_(width) {}

  /// Makes rows of its expert, whose first one lies at `rows`.
  using Make = std::function<void(int64_t task, float* rows)>;

  /// [T, W]: of each token the sum over its pairs, in the order of their experts, of weight_N times the row; weight 1
  /// when it is undefined. make(i, rows) is called once for each i in [0, expert_of_task.size()) and, together, they
  /// make all rows of the experts named there; other experts add nothing. Tasks of a wave begin in the order given.
  /// The same bits for any number of threads. The first exception of a task is thrown again.
  torch::Tensor run(const std::vector<size_t>& expert_of_task, const torch::Tensor& weight_N, const Make& make) const;

  /// The same of rows that lie there already, one after the other by pair: [N, W].
  torch::Tensor sum(const std::vector<size_t>& experts, const torch::Tensor& weight_N, const float* rows_NW) const;

 private:
  struct Wave {
    WaveRows rows;
    int64_t num_rows = 0;
    std::vector<int64_t> tasks = {};
  };

  WaveRows no_rows(const torch::Tensor& weight_N) const;
  std::vector<Wave> make_waves(const std::vector<size_t>& expert_of_task, const torch::Tensor& weight_N) const;
  int64_t num_rows(size_t expert) const { return offsets_[expert + 1] - offsets_[expert]; }

  const RoutingPlan& plan_;
  const std::vector<int64_t>& offsets_;
  int64_t width_;
};

}  // namespace heterodyne::ops::internal
