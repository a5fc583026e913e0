// What a step of AdamW costs when a tenth of the experts got tokens: with every expert stepped, with the steps of the
// others put off, and with the others left as they are. Experts take turns, so those that are read have missed nine
// steps. 64 to 1,024 experts of width 256 with 128 hidden values each: the weights of S-const in docs/performance.md.
#include <benchmark/benchmark.h>

#include "heterodyne/base/random.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne {
namespace {

constexpr int64_t kWidth = 256, kHidden = 128, kTurns = 10;

void step_of(benchmark::State& state, const char* idle_experts) {
  const int64_t num_experts = state.range(0);
  NamedParameters parameters;
  for (int64_t e = 0; e < num_experts; ++e) {
    for (const char* name : {"w1", "w2", "w3"}) {
      parameters.emplace_back("layers.0.experts." + std::to_string(e) + "." + name + ".weight",
                              torch::full({kHidden, kWidth}, 0.01).requires_grad_());
    }
  }
  const auto gradient = RandomStream("bench").normal({1, 0}, {kHidden, kWidth});
  const auto optimizer = optimizers().make(Member(Table{{"kind", "adamw"}, {"idle_experts", idle_experts}}));
  for (const auto& parameter : parameters) parameter.second.mutable_grad() = gradient;
  optimizer->step(parameters, 1e-3);
  int64_t turn = 0;
  const auto step = [&] {
    std::vector<int64_t> read;
    for (auto& parameter : parameters) parameter.second.mutable_grad() = torch::Tensor();
    for (int64_t e = turn % kTurns; e < num_experts; e += kTurns) {
      read.push_back(e);
      for (int64_t i = 0; i < 3; ++i) parameters[static_cast<size_t>(3 * e + i)].second.mutable_grad() = gradient;
    }
    optimizer->catch_up("layers.0", read);
    optimizer->step(parameters, 1e-3);
    ++turn;
  };
  for (int64_t i = 0; i < 2 * kTurns; ++i) step();
  for (auto _ : state) step();
}

void BM_StepAllExperts(benchmark::State& state) { step_of(state, "step"); }
void BM_ReplayIdleExperts(benchmark::State& state) { step_of(state, "replay"); }
void BM_LeaveIdleExperts(benchmark::State& state) { step_of(state, "leave"); }

void sizes(benchmark::internal::Benchmark* bench) {
  bench->UseRealTime()->Unit(benchmark::kMillisecond)->Arg(64)->Arg(256)->Arg(1024);
}

BENCHMARK(BM_StepAllExperts)->Apply(sizes);
BENCHMARK(BM_ReplayIdleExperts)->Apply(sizes);
BENCHMARK(BM_LeaveIdleExperts)->Apply(sizes);

}  // namespace
}  // namespace heterodyne
