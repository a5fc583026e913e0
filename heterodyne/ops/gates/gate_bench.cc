// Routing: logits alone, the fused gate (logits, best experts, log-sum-exp, counting sort), and the same step by step
// through LibTorch, over the sizes R of docs/performance.md.
#include <ATen/ops/argsort.h>
#include <benchmark/benchmark.h>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/gates/gate.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/panels.h"
#include "heterodyne/ops/routing_plan.h"

namespace heterodyne::ops {
namespace {

struct Gate {
  torch::Tensor x_TD = RandomStream("x").normal({1, 0}, {1024, 256}), matrix_ED, panels;
  int64_t k;
  torch::NoGradGuard no_grad;

  explicit Gate(const benchmark::State& state)
      : matrix_ED(RandomStream("gate").normal({1, 0}, {state.range(0), 256}) / 16),
        panels(pack_panels(matrix_ED)),
        k(state.range(1)) {}
};

void GateLogitsAlone(benchmark::State& state) {
  const Gate gate(state);
  for (auto _ : state) benchmark::DoNotOptimize(linear_product(gate.x_TD, gate.matrix_ED, {}, gate.panels).data_ptr());
}

void GateFused(benchmark::State& state) {
  const Gate gate(state);
  for (auto _ : state) {
    const auto choice = gate_top_k(gate.x_TD, gate.matrix_ED, gate.k, "bench", true, gate.panels);
    benchmark::DoNotOptimize(plan_routing(choice.expert_TK, gate.matrix_ED.size(0)).token_N.data_ptr());
  }
}

void GateLibTorch(benchmark::State& state) {
  const Gate gate(state);
  for (auto _ : state) {
    const auto logit_TE = gate.x_TD.matmul(gate.matrix_ED.t());
    const auto best = logit_TE.softmax(1).topk(gate.k, 1);
    benchmark::DoNotOptimize(at::argsort(std::get<1>(best).reshape(-1)).data_ptr());
  }
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"E", "k"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  bench->Args({64, 2})->Args({64, 8})->Args({256, 8})->Args({1024, 8})->Args({4096, 8});
}
BENCHMARK(GateLogitsAlone)->Apply(sizes);
BENCHMARK(GateFused)->Apply(sizes);
BENCHMARK(GateLibTorch)->Apply(sizes);

}  // namespace
}  // namespace heterodyne::ops
