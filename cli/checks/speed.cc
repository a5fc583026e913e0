// Products of float32 matrices on one core: what LibTorch's mm reaches against oneDNN's linear. Where its BLAS takes a
// slow path, as MKL does on some processors, the difference is large.
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "cli/check.h"

namespace heterodyne {
namespace {

constexpr int64_t kSide = 512;
constexpr double kSeconds = 0.06;  // of measuring, for each of the two
constexpr double kMuchSlower = 1.5;

// The best of the repetitions that fit into the time, in GFLOP/s.
template <class Work>
double rate_of(const Work& work) {
  using Clock = std::chrono::steady_clock;
  work();
  double best = 1e9, spent = 0;
  while (spent < kSeconds) {
    const auto begin = Clock::now();
    work();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::min(best, seconds);
    spent += seconds;
  }
  return 2e-9 * kSide * kSide * kSide / best;
}

// oneDNN's linear through the dispatcher; nothing where this LibTorch has none.
std::optional<double> onednn_rate(const at::Tensor& x, const at::Tensor& weight) {
  const auto op = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  if (!op) return std::nullopt;
  try {
    return rate_of([&] {
      torch::jit::Stack stack{
          x, weight, c10::IValue(), std::string("none"), c10::List<std::optional<at::Scalar>>(), c10::IValue()};
      op->callBoxed(stack);
    });
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

std::vector<CheckResult> check_speed(const cli::Environment&) {
  const torch::NoGradGuard no_grad;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto x = torch::ones({kSide, kSide}), weight = torch::ones({kSide, kSide});
  const double mm = rate_of([&] { x.mm(weight); });
  const auto onednn = onednn_rate(x, weight);
  at::set_num_threads(threads);
  if (!onednn) return {{Health::kOk, fmt::format("float32 per core: mm {:.0f} GFLOP/s", mm)}};
  const std::string text = fmt::format("float32 per core: mm {:.0f} GFLOP/s, oneDNN linear {:.0f}", mm, *onednn);
  if (*onednn < kMuchSlower * mm) return {{Health::kOk, text}};
  return {{Health::kWarn, text + ". The BLAS of this LibTorch is slow on this processor", ""}};
}

}  // namespace

CheckKind check_kind_speed() { return {"the rate of matrix products", {}, check_speed}; }

}  // namespace heterodyne
