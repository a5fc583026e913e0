// Routing 2,048 tokens of width 256 in training among 4,096 experts: with one gate, and with 64 groups of 64.
#include <benchmark/benchmark.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne {
namespace {

constexpr int64_t kTokens = 2048, kWidth = 256, kExperts = 4096;

void route(benchmark::State& state, Table settings) {
  const auto router = routers().make(Member(settings), fixtures::router_context(kWidth, kExperts));
  auto input = fixtures::route_input(fixtures::normal("x", {kTokens, kWidth}));
  input.needs = {};
  for (auto _ : state) {
    benchmark::DoNotOptimize(router->route(input).weight_N.data_ptr());
    ++input.random.step;
  }
  state.SetItemsProcessed(state.iterations() * kTokens);
}

void BM_NoisyTopK(benchmark::State& state) { route(state, {{"kind", "noisy_top_k"}, {"k", 4}}); }
void BM_Hierarchical(benchmark::State& state) { route(state, {{"kind", "hierarchical"}}); }
BENCHMARK(BM_NoisyTopK)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_Hierarchical)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace heterodyne
