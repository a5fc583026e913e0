#include "cli/bench/machine.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/sum.h>

#include <algorithm>
#include <memory>

#include "heterodyne/nn/linear.h"

namespace heterodyne::cli {
namespace {

constexpr int64_t kSide = 768;
constexpr double kProductFlops = 2.0 * kSide * kSide * kSide;
constexpr int64_t kValues = 16 << 20;
constexpr double kBytes = 4.0 * kValues;

}  // namespace

std::vector<Work> machine_works() {
  const auto x = torch::ones({kSide, kSide}), weight = torch::ones({kSide, kSide}), product = torch::empty_like(x);
  const nn::LinearOptions shape{kSide, kSide, false};
  const auto linear = std::make_shared<nn::Linear>(shape, Init{1, "bench.linear"});
  const auto from = torch::ones({kValues}), to = torch::ones({kValues});
  const auto quietly = [](auto work) {
    return [work] {
      const torch::NoGradGuard no_grad;
      work();
    };
  };
  return {{"mm", quietly([=] { at::mm_out(const_cast<torch::Tensor&>(product), x, weight); }), {}},
          {"linear", quietly([=] { linear->forward(x); }), {}},
          {"read", quietly([=] { at::sum(from); }), {}},
          {"copy", quietly([=] { to.copy_(from); }), {}}};
}

MachineRates machine_rates(const std::vector<Timing>& timings) {
  const auto fastest = [&](const char* name, double amount) {
    for (const auto& timing : timings) {
      if (timing.name == name) return amount / spread_of(timing.seconds).min;
    }
    return 0.0;
  };
  MachineRates rates;
  rates.libtorch_product = fastest("mm", kProductFlops);
  rates.own_product = fastest("linear", kProductFlops);
  rates.product = std::max(rates.libtorch_product, rates.own_product);
  rates.read = fastest("read", kBytes);
  rates.copy = fastest("copy", 2 * kBytes);
  return rates;
}

}  // namespace heterodyne::cli
