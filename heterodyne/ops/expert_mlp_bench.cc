// Feed-forward experts in one call, forward alone and with the backward pass, over the shapes C1 to C5 of
// docs/performance.md, against the same multiply-adds as one dense MLP: through LibTorch's products, and through this
// op with one expert. A sixth shape has as many experts as C3, so small that what is left is what they cost apart from
// their work.
#include <ATen/ops/silu.h>
#include <benchmark/benchmark.h>

#include <cmath>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/expert_mlp.h"
#include "heterodyne/ops/panels.h"

namespace heterodyne::ops {
namespace {

struct Shape {
  int64_t T, D, F, E, K;
};
const std::vector<Shape> kShapes{{1024, 256, 512, 8, 2},  {4096, 256, 256, 64, 2},  {1024, 256, 64, 256, 8},
                                 {2048, 512, 512, 16, 2}, {2048, 512, 1024, 64, 2}, {64, 16, 16, 256, 8}};

torch::Tensor draw(torch::IntArrayRef sizes, bool learns) {
  static uint64_t step = 0;
  const double scale = 1 / std::sqrt(static_cast<double>(sizes.back()));
  return (RandomStream("bench").normal({1, step++}, sizes) * scale).requires_grad_(learns);
}

struct Problem {
  torch::Tensor x_TD, weight_N, dy_TO;
  RoutingPlan plan;
  std::vector<ExpertMlp> experts;

  Problem(const Shape& shape, bool learns)
      : x_TD(draw({shape.T, shape.D}, learns)), dy_TO(draw({shape.T, shape.D}, false)) {
    const auto score_TE = RandomStream("routes").uniform({1, 0}, {shape.T, shape.E});
    plan = plan_routing(std::get<1>(score_TE.topk(shape.K, 1)), shape.E);
    weight_N = draw({plan.num_pairs()}, learns);
    for (int64_t e = 0; e < shape.E; ++e) {
      experts.push_back({Activation::kSilu, draw({shape.F, shape.D}, learns), draw({shape.D, shape.F}, learns),
                         draw({shape.F, shape.D}, learns)});
    }
  }

  void run() {
    const auto y_TO = expert_mlps(x_TD, weight_N, plan, experts, x_TD.size(1));
    if (!y_TO.requires_grad()) return;
    y_TO.backward(dy_TO);
    for (auto& e : experts) {
      for (auto* p : {&e.up_FD, &e.gate_FD, &e.down_OF}) p->mutable_grad().reset();
    }
    x_TD.mutable_grad().reset();
    weight_N.mutable_grad().reset();
  }
};

// The same multiply-adds: all pairs through one expert.
Shape dense_of(const Shape& shape) { return {shape.T * shape.K, shape.D, shape.F, 1, 1}; }

void count(benchmark::State& state, const Shape& shape, bool learns) {
  const double flops = (learns ? 18.0 : 6.0) * static_cast<double>(shape.T * shape.K * shape.D * shape.F);
  state.counters["FLOP"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void MoeExperts(benchmark::State& state) {
  const Shape& shape = kShapes[static_cast<size_t>(state.range(0))];
  Problem problem(shape, state.range(1) != 0);
  for (auto _ : state) problem.run();
  count(state, shape, state.range(1) != 0);
}

// As in inference: weights are packed already.
void MoeExpertsPacked(benchmark::State& state) {
  const Shape& shape = kShapes[static_cast<size_t>(state.range(0))];
  const torch::NoGradGuard no_grad;
  Problem problem(shape, false);
  for (auto& expert : problem.experts) {
    expert.up_panels = pack_panels(expert.up_FD);
    expert.gate_panels = pack_panels(expert.gate_FD);
    expert.down_panels = pack_panels(expert.down_OF);
  }
  for (auto _ : state) problem.run();
  count(state, shape, false);
}

void DenseOwn(benchmark::State& state) {
  const Shape& shape = kShapes[static_cast<size_t>(state.range(0))];
  Problem problem(dense_of(shape), state.range(1) != 0);
  for (auto _ : state) problem.run();
  count(state, shape, state.range(1) != 0);
}

void DenseLibTorch(benchmark::State& state) {
  const Shape& shape = kShapes[static_cast<size_t>(state.range(0))];
  Problem problem(dense_of(shape), state.range(1) != 0);
  const auto& e = problem.experts[0];
  for (auto _ : state) {
    const auto h = at::silu(problem.x_TD.matmul(e.gate_FD.t())) * problem.x_TD.matmul(e.up_FD.t());
    const auto y = h.matmul(e.down_OF.t());
    if (y.requires_grad()) y.backward(problem.dy_TO);
    for (auto* p :
         {&problem.x_TD, &problem.experts[0].up_FD, &problem.experts[0].gate_FD, &problem.experts[0].down_OF}) {
      p->mutable_grad().reset();
    }
  }
  count(state, shape, state.range(1) != 0);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->UseRealTime()->Unit(benchmark::kMillisecond);
  for (int64_t learns = 0; learns < 2; ++learns) {
    for (size_t i = 0; i < kShapes.size(); ++i) bench->Args({static_cast<int64_t>(i), learns});
  }
}

BENCHMARK(MoeExperts)->Apply(shapes);
BENCHMARK(MoeExpertsPacked)->UseRealTime()->Unit(benchmark::kMillisecond)->DenseRange(0, 4);
BENCHMARK(DenseOwn)->Apply(shapes);
BENCHMARK(DenseLibTorch)->Apply(shapes);

}  // namespace
}  // namespace heterodyne::ops
