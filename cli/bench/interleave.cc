#include "cli/bench/interleave.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace heterodyne::cli {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<Timing> interleave(const std::vector<Work>& works, const InterleaveOptions& options) {
  const auto now = options.now ? options.now : steady_seconds;
  std::vector<Timing> timings;
  for (const auto& work : works) timings.push_back({work.name, {}});
  std::vector<double> spent(works.size(), 0);
  for (int64_t round = -options.warm_up; round < options.rounds; ++round) {
    for (size_t turn = 0; turn < works.size(); ++turn) {
      const size_t w = round % 2 == 0 ? turn : works.size() - 1 - turn;
      const bool sits_out = spent[w] > options.patience && round >= options.at_least;
      double seconds = std::numeric_limits<double>::quiet_NaN();
      if (!sits_out) {
        if (works[w].prepare) works[w].prepare();
        const double begin = now();
        works[w].run();
        seconds = now() - begin;
      }
      if (round < 0) continue;
      if (!sits_out) spent[w] += seconds;
      timings[w].seconds.push_back(seconds);
    }
  }
  return timings;
}

Spread spread_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  const double none = std::numeric_limits<double>::quiet_NaN();
  if (values.empty()) return {none, none, none, none};
  std::sort(values.begin(), values.end());
  return {values.front(), quantile(values, 0.05), quantile(values, 0.5), quantile(values, 0.95)};
}

Table table_of(const Spread& spread) {
  return {{"min_ms", 1e3 * spread.min},
          {"median_ms", 1e3 * spread.median},
          {"p5_ms", 1e3 * spread.p5},
          {"p95_ms", 1e3 * spread.p95}};
}

double milliseconds(double seconds) { return std::round(1e6 * seconds) / 1e3; }

Spread ratio_of(const Timing& a, const Timing& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.seconds.size(), b.seconds.size()); ++i)
    ratios.push_back(a.seconds[i] / b.seconds[i]);
  return spread_of(std::move(ratios));
}

}  // namespace heterodyne::cli
