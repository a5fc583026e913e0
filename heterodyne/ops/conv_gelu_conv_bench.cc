// The convolutional expert's pass, forward and backward, against LibTorch's two convolutions. The number of rows
// changes from one step to the next, as it does behind a router.
#include <benchmark/benchmark.h>

#include "heterodyne/ops/conv_gelu_conv.h"

namespace heterodyne::ops {
namespace {

constexpr int64_t kChannels = 32;
constexpr int64_t kKernel = 5;

ConvGeluConvWeights weights() {
  const auto normal = [](torch::IntArrayRef sizes) { return torch::randn(sizes).requires_grad_(); };
  return {normal({kChannels, kKernel}), normal({kChannels}), normal({kChannels, kKernel}), normal({1})};
}

torch::Tensor by_libtorch(const torch::Tensor& x_ND, const ConvGeluConvWeights& w) {
  const auto widened = torch::conv1d(x_ND.unsqueeze(1), w.widen_CK.unsqueeze(1), w.widen_bias_C, 1, kKernel / 2);
  return torch::conv1d(torch::gelu(widened), w.narrow_CK.unsqueeze(0), w.narrow_bias, 1, kKernel / 2).squeeze(1);
}

template <class Pass>
void run(benchmark::State& state, const Pass& pass) {
  const auto w = weights();
  int64_t rows = 0;
  for (int64_t step = 0; auto _ : state) {
    const int64_t N = state.range(0) + 7 * (step++ % 31);
    const auto x_ND = torch::randn({N, state.range(1)});
    const auto y_ND = pass(x_ND, w);
    const auto gradients = torch::autograd::grad({y_ND.sum()}, {w.widen_CK, w.narrow_CK});
    benchmark::DoNotOptimize(gradients[0].data_ptr());
    rows += N;
  }
  state.SetItemsProcessed(rows);
}

void BM_ConvGeluConv(benchmark::State& state) { run(state, conv_gelu_conv); }
void BM_TwoConvolutions(benchmark::State& state) { run(state, by_libtorch); }
BENCHMARK(BM_ConvGeluConv)->ArgNames({"N", "D"})->Args({480, 128})->UseRealTime();
BENCHMARK(BM_TwoConvolutions)->ArgNames({"N", "D"})->Args({480, 128})->UseRealTime();

}  // namespace
}  // namespace heterodyne::ops
