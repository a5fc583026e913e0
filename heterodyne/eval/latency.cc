#include "heterodyne/eval/latency.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

constexpr int64_t kSingly = 64, kBatches = 16, kWarmUp = 3;

double milliseconds_of(Network& network, const Batch& batch) {
  const auto begin = std::chrono::steady_clock::now();
  network.forward(batch, nullptr);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

double percentile(std::vector<double> values, double q) {
  HETERODYNE_DCHECK(!values.empty() && q > 0 && q <= 1);
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values[std::max<size_t>(rank, 1) - 1];
}

std::vector<Latency> measure_latency(Network& network, const Dataset& dataset, Split split,
                                     const LoaderOptions& loading, torch::Dtype dtype) {
  const int64_t size = dataset.size(split);
  if (size == 0) return {};
  const EvalMode eval_mode(network);
  const torch::NoGradGuard no_grad;
  std::vector<Latency> all;
  for (const auto& [wanted, passes] : {std::pair(int64_t{1}, kSingly), std::pair(loading.batch, kBatches)}) {
    const int64_t batch = std::min(wanted, size);
    if (!all.empty() && batch == all.back().batch) continue;
    Latency latency{batch, passes, at::get_num_threads(), 0, 0};
    std::vector<double> times;
    for (int64_t i = -kWarmUp; i < passes; ++i) {
      const int64_t first = std::max<int64_t>(i, 0) * batch;
      auto examples = dataset.get(split, torch::arange(first, first + batch).remainder(size));
      set_dtype(examples, dtype);
      const double time = milliseconds_of(network, examples);
      if (i >= 0) times.push_back(time);
    }
    latency.p50_ms = percentile(times, 0.5);
    latency.p95_ms = percentile(times, 0.95);
    all.push_back(latency);
  }
  return all;
}

}  // namespace heterodyne
