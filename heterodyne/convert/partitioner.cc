#include "heterodyne/convert/partitioner.h"

#include <fmt/format.h>

#include <numeric>

#include "heterodyne/base/random.h"
#include "heterodyne/convert/balanced_clusters.h"

namespace heterodyne {

PartitionerRegistry empty_partitioners() { return PartitionerRegistry("partitioner"); }

torch::Tensor levels_of(const torch::Tensor& score_LFD) {
  const auto level_LFD = score_LFD.to(torch::kFloat64).log1p();
  const auto length_D = level_LFD.flatten(0, 1).norm(2, 0);
  return level_LFD / torch::where(length_D > 0, length_D, torch::ones_like(length_D));
}

Partitioned divide_by_keys(const PartitionInput& input, int64_t most_rounds, const std::string& kind) {
  const ClusterOptions options{most_rounds, input.seed, fmt::format("convert.{}.{}", kind, input.layer)};
  return {partition_of(balanced_clusters(input.key_FH, input.num_experts, options), input.num_experts)};
}

int64_t equal_share(const PartitionInput& input) {
  const int64_t F = input.num_neurons(), E = input.num_experts;
  if (E < 1 || F % E != 0)
    throw Error("convert.partition", fmt::format("experts: expected a divisor of {} neurons, got {}", F, E));
  return F / E;
}

std::vector<int64_t> shuffled_neurons(const PartitionInput& input, const std::string& stream) {
  const RandomStream draws(stream);
  const RandomKey key{input.seed, static_cast<uint64_t>(input.layer)};
  std::vector<int64_t> order(static_cast<size_t>(input.num_neurons()));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[draws.below(key, i, i)]);
  return order;
}

}  // namespace heterodyne
