// Carrying rows to experts and back, against LibTorch's index_select and index_add with the same plan.
#include <benchmark/benchmark.h>

#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/combine.h"
#include "heterodyne/ops/permute.h"

namespace heterodyne::ops {
namespace {

struct Rows {
  RoutingPlan plan;
  torch::Tensor x_TD, weight_N;
};

Rows rows_of(const benchmark::State& state) {
  const Case c{"bench", state.range(0), state.range(1), state.range(2), state.range(3)};
  Rows rows{plan_routing(choices_of(c), c.num_experts), torch::randn({c.num_tokens, c.width}), {}};
  rows.weight_N = torch::rand({rows.plan.num_pairs()});
  return rows;
}

// A pair's row is read and written twice: on the way to its expert and on the way back.
void count(benchmark::State& state, const Rows& rows) {
  state.SetItemsProcessed(state.iterations() * rows.plan.num_pairs());
  state.SetBytesProcessed(state.iterations() * rows.plan.num_pairs() * rows.x_TD.size(1) * 4 * 4);
}

void BM_PermuteCombine(benchmark::State& state) {
  const Rows rows = rows_of(state);
  const torch::NoGradGuard no_grad;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        combine(permute(rows.x_TD, rows.plan), rows.weight_N, rows.plan, rows.x_TD.size(1)).data_ptr());
  }
  count(state, rows);
}

void BM_IndexSelectIndexAdd(benchmark::State& state) {
  const Rows rows = rows_of(state);
  const torch::NoGradGuard no_grad;
  for (auto _ : state) {
    const auto x_ND = rows.x_TD.index_select(0, rows.plan.token_N);
    auto y_TD = torch::zeros_like(rows.x_TD);
    y_TD.index_add_(0, rows.plan.token_N, x_ND * rows.weight_N.unsqueeze(1));
    benchmark::DoNotOptimize(y_TD.data_ptr());
  }
  count(state, rows);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"T", "D", "E", "k"})->Args({2048, 128, 4, 2})->Args({2047, 100, 7, 3})->Args({4096, 512, 64, 8});
}
BENCHMARK(BM_PermuteCombine)->Apply(sizes)->UseRealTime();
BENCHMARK(BM_IndexSelectIndexAdd)->Apply(sizes)->UseRealTime();

}  // namespace
}  // namespace heterodyne::ops
