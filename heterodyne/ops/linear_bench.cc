// Linear layers and LSTM layers, forward and backward, against LibTorch's.
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <benchmark/benchmark.h>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/lstm.h"

namespace heterodyne::ops {
namespace {

torch::Tensor draw(uint64_t step, torch::IntArrayRef sizes) {
  return (RandomStream("bench").normal({1, step}, sizes) / 16).requires_grad_();
}

struct Layer {
  torch::Tensor x_NI, matrix_OI, bias_O, dy_NO;
  explicit Layer(const benchmark::State& state)
      : x_NI(draw(1, {state.range(0), state.range(1)})),
        matrix_OI(draw(2, {state.range(2), state.range(1)})),
        bias_O(draw(3, {state.range(2)})),
        dy_NO(draw(4, {state.range(0), state.range(2)}).detach()) {}

  void pass(benchmark::State& state, bool is_own) const {
    for (auto _ : state) {
      const auto y = is_own ? linear_product(x_NI, matrix_OI, bias_O) : at::linear(x_NI, matrix_OI, bias_O);
      benchmark::DoNotOptimize(torch::autograd::grad({y}, {x_NI, matrix_OI, bias_O}, {dy_NO})[0].data_ptr());
    }
    const auto flops = 6.0 * static_cast<double>(x_NI.numel()) * static_cast<double>(matrix_OI.size(0));
    state.counters["FLOP"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
  }
};

void LinearOwn(benchmark::State& state) { Layer(state).pass(state, true); }
void LinearLibTorch(benchmark::State& state) { Layer(state).pass(state, false); }

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"N", "I", "O"})->UseRealTime()->Unit(benchmark::kMillisecond);
  bench->Args({128, 256, 256})->Args({1024, 256, 768})->Args({1600, 256, 10000})->Args({2048, 512, 512});
}
BENCHMARK(LinearOwn)->Apply(sizes);
BENCHMARK(LinearLibTorch)->Apply(sizes);

struct Sequence {
  torch::Tensor x_BSI, h_BH, c_BH, dy_BSH;
  std::vector<torch::Tensor> weights;
  explicit Sequence(const benchmark::State& state) {
    const int64_t B = state.range(0), S = state.range(1), H = state.range(2);
    x_BSI = draw(1, {B, S, H});
    h_BH = draw(2, {B, H}).detach();
    c_BH = draw(3, {B, H}).detach();
    dy_BSH = draw(4, {B, S, H}).detach();
    weights = {draw(5, {4 * H, H}), draw(6, {4 * H, H}), draw(7, {4 * H}), draw(8, {4 * H})};
  }

  torch::Tensor own() const {
    const auto pre = linear_product(x_BSI.flatten(0, 1), weights[0], weights[2] + weights[3]);
    return lstm_steps(pre.view({x_BSI.size(0), x_BSI.size(1), -1}), h_BH, c_BH, weights[1]).y_BSH;
  }
  torch::Tensor libtorch() const {
    return std::get<0>(
        at::lstm(x_BSI, {h_BH.unsqueeze(0), c_BH.unsqueeze(0)}, weights, true, 1, 0.0, true, false, true));
  }

  void pass(benchmark::State& state, bool is_own) const {
    auto leaves = weights;
    leaves.push_back(x_BSI);
    for (auto _ : state) {
      const auto y = is_own ? own() : libtorch();
      benchmark::DoNotOptimize(torch::autograd::grad({y}, leaves, {dy_BSH})[0].data_ptr());
    }
  }
};

void LstmOwn(benchmark::State& state) { Sequence(state).pass(state, true); }
void LstmLibTorch(benchmark::State& state) { Sequence(state).pass(state, false); }

void lengths(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"B", "S", "H"})->UseRealTime()->Unit(benchmark::kMillisecond);
  bench->Args({32, 50, 128})->Args({32, 50, 256})->Args({32, 50, 512});
}
BENCHMARK(LstmOwn)->Apply(lengths);
BENCHMARK(LstmLibTorch)->Apply(lengths);

}  // namespace
}  // namespace heterodyne::ops
