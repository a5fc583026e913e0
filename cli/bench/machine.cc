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
constexpr auto kValues = static_cast<int64_t>(kBytesRead) / 4;

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
  rates.read = fastest("read", kBytesRead);
  rates.copy = fastest("copy", 2 * kBytesRead);
  for (const auto& timing : timings) {
    if (timing.name == "read") rates.reading = timing;
  }
  return rates;
}

double MachineRates::share_of_reading(double bytes, const Timing& work) const {
  return bytes / kBytesRead * ratio_of(reading, work).median;
}

}  // namespace heterodyne::cli
