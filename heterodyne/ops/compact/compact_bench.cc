// Feed-forward experts of the shapes C1 to C4 of docs/performance.md in inference, with float32 panels and with compact
// matrices; and one linear layer on few and many rows.
#include <ATen/ops/linear.h>
#include <benchmark/benchmark.h>

#include <cmath>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/expert_mlp.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/panels.h"

namespace heterodyne::ops {
namespace {

struct CompactShape {
  int64_t T, D, F, E, K;
};
const std::vector<CompactShape> kCompactShapes{
    {1024, 256, 512, 8, 2}, {4096, 256, 256, 64, 2}, {1024, 256, 64, 256, 8}, {2048, 512, 512, 16, 2}};

torch::Tensor values(torch::IntArrayRef sizes) {
  static uint64_t step = 0;
  return RandomStream("bench").normal({1, step++}, sizes) / std::sqrt(static_cast<double>(sizes.back()));
}

// -1: float32.
void PrefillExperts(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  const CompactShape& shape = kCompactShapes[static_cast<size_t>(state.range(0))];
  const auto x_TD = values({shape.T, shape.D});
  const auto score_TE = RandomStream("routes").uniform({1, 0}, {shape.T, shape.E});
  const auto plan = plan_routing(std::get<1>(score_TE.topk(shape.K, 1)), shape.E);
  const auto weight_N = values({plan.num_pairs()});
  std::vector<ExpertMlp> experts;
  for (int64_t e = 0; e < shape.E; ++e) {
    ExpertMlp expert{Activation::kSilu, values({shape.F, shape.D}), values({shape.D, shape.F}),
                     values({shape.F, shape.D})};
    if (state.range(1) < 0) {
      expert.up_panels = pack_panels(expert.up_FD);
      expert.gate_panels = pack_panels(expert.gate_FD);
      expert.down_panels = pack_panels(expert.down_OF);
    } else {
      const Compact format = compact_formats()[static_cast<size_t>(state.range(1))];
      expert.up_compact = compacted(expert.up_FD, format);
      expert.gate_compact = compacted(expert.gate_FD, format);
      expert.down_compact = compacted(expert.down_OF, format);
    }
    experts.push_back(expert);
  }
  for (auto _ : state) expert_mlps(x_TD, weight_N, plan, experts, shape.D);
  state.SetLabel(state.range(1) < 0 ? "float32"
                                    : std::string(name_of(compact_formats()[static_cast<size_t>(state.range(1))])));
  const double flops = 6.0 * static_cast<double>(shape.T * shape.K * shape.D * shape.F);
  state.counters["FLOP"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

// -2: LibTorch's linear.
void LinearRows(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kOutputs = 4096, kInputs = 2048;
  // Four matrices take turns: more than the caches hold.
  std::vector<torch::Tensor> matrices, panels;
  std::vector<CompactPointer> compact;
  for (int i = 0; i < 4; ++i) {
    matrices.push_back(values({kOutputs, kInputs}));
    if (state.range(1) == -1) panels.push_back(pack_panels(matrices.back()));
    if (state.range(1) >= 0)
      compact.push_back(compacted(matrices.back(), compact_formats()[static_cast<size_t>(state.range(1))]));
  }
  const auto x = values({state.range(0), kInputs});
  size_t turn = 0;
  for (auto _ : state) {
    const size_t i = turn++ % 4;
    if (state.range(1) == -2) at::linear(x, matrices[i]);
    else if (state.range(1) == -1) linear_product(x, matrices[i], {}, panels[i]);
    else compact_product(x, *compact[i]);
  }
  const double bytes = state.range(1) < 0 ? 4.0 * kOutputs * kInputs : static_cast<double>(compact[0]->num_bytes());
  state.counters["read"] = benchmark::Counter(bytes, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(PrefillExperts)->UseRealTime()->Unit(benchmark::kMillisecond)->ArgsProduct({{0, 1, 2, 3}, {-1, 0, 1, 2}});
BENCHMARK(LinearRows)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond)
    ->ArgsProduct({{1, 2, 3, 4, 6, 16, 64}, {-2, -1, 0, 1, 2}});

}  // namespace
}  // namespace heterodyne::ops
