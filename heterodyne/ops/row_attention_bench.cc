// Attention of scattered rows, forward and backward, when every row asks, against LibTorch's on the same sequences.
#include <ATen/ops/scaled_dot_product_attention.h>
#include <benchmark/benchmark.h>

#include "heterodyne/base/random.h"
#include "heterodyne/ops/row_attention.h"

namespace heterodyne::ops {
namespace {

struct Sequences {
  int64_t B, S, H, D;
  torch::Tensor query_ND, key_value_BS2D, dy_ND;

  explicit Sequences(const benchmark::State& state)
      : B(state.range(0)), S(state.range(1)), H(state.range(2)), D(H * state.range(3)) {
    const RandomStream stream("bench");
    query_ND = stream.normal({1, 0}, {B * S, D}).requires_grad_();
    key_value_BS2D = stream.normal({1, 1}, {B, S, 2 * D}).requires_grad_();
    dy_ND = stream.normal({1, 2}, {B * S, D});
  }

  torch::Tensor own() const {
    return row_attention({query_ND, key_value_BS2D, torch::arange(B * S), {}, {}, H, false});
  }
  torch::Tensor libtorch() const {
    const auto heads = [&](const torch::Tensor& x) { return x.reshape({B, S, H, D / H}).transpose(1, 2); };
    const auto y = at::scaled_dot_product_attention(heads(query_ND), heads(key_value_BS2D.narrow(2, 0, D)),
                                                    heads(key_value_BS2D.narrow(2, D, D)));
    return y.transpose(1, 2).reshape({B * S, D});
  }

  void pass(benchmark::State& state, bool is_own) const {
    for (auto _ : state) {
      const auto y = is_own ? own() : libtorch();
      benchmark::DoNotOptimize(torch::autograd::grad({y}, {query_ND, key_value_BS2D}, {dy_ND})[0].data_ptr());
    }
  }
};

void RowAttentionOwn(benchmark::State& state) { Sequences(state).pass(state, true); }
void RowAttentionLibTorch(benchmark::State& state) { Sequences(state).pass(state, false); }

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"B", "S", "H", "C"})->UseRealTime()->Unit(benchmark::kMillisecond);
  bench->Args({128, 17, 4, 24})->Args({32, 24, 12, 32})->Args({32, 84, 12, 32})->Args({8, 256, 8, 64});
}
BENCHMARK(RowAttentionOwn)->Apply(sizes);
BENCHMARK(RowAttentionLibTorch)->Apply(sizes);

}  // namespace
}  // namespace heterodyne::ops
