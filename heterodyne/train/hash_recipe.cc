#include "heterodyne/train/hash_recipe.h"

#include <fmt/format.h>

#include "heterodyne/base/config.h"
#include "heterodyne/eval/clustering/clusters.h"

namespace heterodyne {
namespace {

int64_t num_experts_of(Network& network) {
  const auto layers = network.moe_layers();
  if (layers.empty())
    throw ConfigError("clusters of symbols: expected a model with a Mixture of Experts, got one without");
  for (const MoeLayer* layer : layers) {
    if (layer->num_experts() == layers[0]->num_experts()) continue;
    throw ConfigError(fmt::format("clusters of symbols: expected equally many experts in each layer, got {} and {}",
                                  layers[0]->num_experts(), layer->num_experts()));
  }
  return layers[0]->num_experts();
}

torch::Tensor embedding_of(const Network& network, int64_t num_symbols) {
  for (const auto& parameter : network.named_parameters()) {
    const auto& value = parameter.value();
    if (parameter.key().ends_with("embedding.weight") && value.dim() == 2 && value.size(0) == num_symbols) return value;
  }
  throw ConfigError(
      "clusters of symbols: expected a model that reads its symbols through an embedding, got one without");
}

}  // namespace

Table hash_recipe(const TrainedModel& model, uint64_t seed) {
  const auto num_symbols = static_cast<int64_t>(model.experiment.vocabulary.size());
  if (num_symbols == 0) throw ConfigError("clusters of symbols: expected a model of text, got one of images");
  const int64_t num_experts = num_experts_of(*model.network);
  const auto found = k_means(embedding_of(*model.network, num_symbols), num_experts, seed);
  Array table;
  for (int64_t symbol = 0; symbol < num_symbols; ++symbol) table.emplace_back(found.cluster_N[symbol].item<int64_t>());
  const Table router{{"kind", "hash"}, {"mode", "table"}, {"table", table}};
  Table config = model.experiment.resolved;
  config.set("name", model.experiment.options.name + "-hash");
  merge(config, Table{{"data", Table{{"vocabulary", num_symbols}}},
                      {"model", Table{{"moe", Table{{"router", router}, {"balancers", Array{}}}}}}});
  return config;
}

}  // namespace heterodyne
