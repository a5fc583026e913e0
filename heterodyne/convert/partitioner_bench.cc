// The two parts of HEMoE's partition at the shape of LLaMA-3.2-1B: 8,192 neurons of width 2,048 into 128 modules, and
// 128 modules to 8 experts for 8 domains.
#include <benchmark/benchmark.h>

#include "heterodyne/base/random.h"
#include "heterodyne/convert/balanced_clusters.h"
#include "heterodyne/convert/module_program.h"

namespace heterodyne {
namespace {

void BalancedClusters(benchmark::State& state) {
  const auto row_FH = RandomStream("rows").normal({1, 0}, {8192, 2048});
  for (auto _ : state) benchmark::DoNotOptimize(balanced_clusters(row_FH, 128, {20, 1, "bench"}));
}
BENCHMARK(BalancedClusters)->UseRealTime()->Unit(benchmark::kSecond)->Iterations(1);

void SolveModules(benchmark::State& state) {
  const auto score = RandomStream("scores").normal({1, 0}, {128 * 8}).exp().to(torch::kFloat64);
  const double* first = score.const_data_ptr<double>();
  const ModuleProgram program{{first, first + score.numel()}, 8, 8, module_bounds(128, 8, 4), overlap_of(8, 8, 2)};
  for (auto _ : state) {
    const auto plan = solve(program);
    state.counters["objective"] = plan.objective;
    state.counters["gap"] = plan.gap();
  }
}
BENCHMARK(SolveModules)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace heterodyne
