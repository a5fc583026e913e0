#include "heterodyne/model/network.h"

namespace heterodyne {

NetworkRegistry empty_networks() { return NetworkRegistry("network"); }

int64_t num_params(const Network& network) {
  int64_t count = 0;
  for (const auto& parameter : network.parameters()) count += parameter.numel();
  return count;
}

CostPair even_cost(Network& network) {
  std::vector<std::vector<double>> loads;
  for (MoeLayer* layer : network.moe_layers()) {
    const auto E = static_cast<double>(layer->num_experts());
    const auto assignments = static_cast<double>(network.tokens_per_example() * layer->router().max_choices());
    loads.emplace_back(static_cast<size_t>(layer->num_experts()), assignments / E);
  }
  return network.cost(loads);
}

}  // namespace heterodyne
