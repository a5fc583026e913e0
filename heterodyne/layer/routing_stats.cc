#include "heterodyne/layer/routing_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "heterodyne/base/error.h"

namespace heterodyne {

Balance balance_of(const std::vector<int64_t>& count_E) {
  const auto E = static_cast<double>(count_E.size());
  const auto sum = static_cast<double>(std::accumulate(count_E.begin(), count_E.end(), int64_t{0}));
  Balance balance;
  balance.num_dead = std::count(count_E.begin(), count_E.end(), 0);
  if (sum == 0) return balance;
  const double mean = sum / E;
  double squares = 0, nats = 0, differences = 0;
  for (const int64_t count : count_E) {
    const auto c = static_cast<double>(count);
    squares += (c - mean) * (c - mean);
    if (count > 0) nats -= c / sum * std::log(c / sum);
    if (count > 0 && c < mean / 100) ++balance.num_starved;
    for (const int64_t other : count_E) differences += std::abs(c - static_cast<double>(other));
  }
  balance.cv = std::sqrt(squares / E) / mean;
  balance.entropy = count_E.size() > 1 ? nats / std::log(E) : 1;
  balance.effective = std::exp(nats);
  balance.max_violation = static_cast<double>(*std::max_element(count_E.begin(), count_E.end())) / mean - 1;
  balance.gini = differences / (2 * E * E * mean);
  return balance;
}

bool is_collapsed(const Balance& balance, double mean_k, int64_t num_experts) {
  const double fewest = std::max(1.0, mean_k);
  return balance.effective > 0 && static_cast<double>(num_experts) >= 2 * fewest && balance.effective < 1.25 * fewest;
}

int64_t LayerCounts::num_assignments() const { return std::accumulate(count_E.begin(), count_E.end(), int64_t{0}); }

double LayerCounts::mean_k() const {
  return num_tokens > 0 ? static_cast<double>(num_assignments()) / static_cast<double>(num_tokens) : 0;
}

void RoutingStats::add(const LayerCounts& counts) {
  auto found =
      std::find_if(layers_.begin(), layers_.end(), [&](const auto& known) { return known.layer == counts.layer; });
  if (found == layers_.end()) {
    layers_.push_back(counts);
    return;
  }
  if (found->count_E.size() != counts.count_E.size()) {
    throw Error(counts.layer, fmt::format("routing statistics: expected {} experts as before, got {}",
                                          found->count_E.size(), counts.count_E.size()));
  }
  for (size_t e = 0; e < counts.count_E.size(); ++e) found->count_E[e] += counts.count_E[e];
  found->num_tokens += counts.num_tokens;
  found->num_unrouted += counts.num_unrouted;
  found->num_dropped += counts.num_dropped;
}

void RoutingStats::add(const RoutingLog& log) {
  for (const auto& entry : log.layers) {
    const int64_t* count_E = entry.tokens_per_expert_E.const_data_ptr<int64_t>();
    add(LayerCounts{entry.layer,
                    {count_E, count_E + entry.tokens_per_expert_E.numel()},
                    entry.num_tokens,
                    entry.num_unrouted,
                    entry.num_dropped});
  }
}

void RoutingStats::add(const RoutingStats& other) {
  for (const LayerCounts& counts : other.layers_) add(counts);
}

}  // namespace heterodyne
