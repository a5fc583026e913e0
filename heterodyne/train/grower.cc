#include "heterodyne/train/grower.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

// Names in a grower's memory: the layer's, a colon, the sum's. So they cannot be taken for a grower's own.
std::string key_of(const MoeLayer& layer, const std::string& name) { return layer.layer_name() + ":" + name; }

// Throws ConfigError unless the layer's router can do with one expert more or less than it has.
void check_steps_of_one(const std::string& kind, MoeLayer& layer) {
  auto more = layer.slots(), fewer = layer.slots();
  more.push_back(more.back());
  fewer.pop_back();
  std::string refusal;
  for (const auto& slots : {more, fewer}) {
    if (slots.empty()) continue;
    try {
      layer.router().check_experts(layer.infos_of(slots));
      return;
    } catch (const ConfigError& error) {
      refusal = error.what();
    }
  }
  throw ConfigError(
      kind, "kind",
      fmt::format("expected routers that can do with one expert more or less, got router \"{}\" in {}: {}",
                  layer.router_kind(), layer.layer_name(), refusal));
}

// Routers that read the scores of the layer before need as many experts as it has, and layers grow each by itself.
void check_is_apart(const std::string& kind, const std::vector<MoeLayer*>& layers) {
  const auto reads_others = [](MoeLayer* layer) { return layer->router().needs_previous_logits(); };
  if (std::ranges::count_if(layers, reads_others) < 2) return;
  const MoeLayer* last = *std::find_if(layers.rbegin(), layers.rend(), reads_others);
  throw ConfigError(kind, "kind",
                    fmt::format("expected routers whose layers can have different numbers of experts, got router "
                                "\"{}\" in {}, which reads the scores of the layer before",
                                last->router_kind(), last->layer_name()));
}

}  // namespace

GrowerRegistry empty_growers() { return GrowerRegistry("grower"); }

Grower::Grower(const std::string& kind, PoolOptions options, const GrowerContext& context)
    : options_(std::move(options)) {
  const auto layers = context.network.moe_layers();
  if (layers.empty()) throw ConfigError(kind, "kind", "expected a network with MoE layers, this one has none");
  check_is_apart(kind, layers);
  for (MoeLayer* layer : layers) {
    if (!layer->router_traits().is_resizable) {
      throw ConfigError(kind, "kind",
                        fmt::format("expected routers whose experts can come and go, got router \"{}\" in {}",
                                    layer->router_kind(), layer->layer_name()));
    }
    check_steps_of_one(kind, *layer);
    const int64_t E = layer->num_experts();
    if (options_.max_experts > 0 && E > options_.max_experts) {
      throw ConfigError(kind, "max_experts",
                        fmt::format("expected at least the {} experts that {} has, got {}", E, layer->layer_name(),
                                    options_.max_experts));
    }
    if (E < options_.min_experts) {
      throw ConfigError(kind, "min_experts",
                        fmt::format("expected at most the {} experts that {} has, got {}", E, layer->layer_name(),
                                    options_.min_experts));
    }
  }
  const int64_t params = num_params(context.network);
  if (options_.max_params > 0 && params > options_.max_params) {
    throw ConfigError(kind, "max_params",
                      fmt::format("expected at least the {} parameters that the network has, got {}",
                                  with_commas(params), with_commas(options_.max_params)));
  }
}

void GrowthPeriod::check(const std::string& kind, int64_t num_steps) const {
  const int64_t last = stop > 0 ? std::min(stop, num_steps) : num_steps;
  if (start + period <= last) return;
  throw ConfigError(
      kind, "period",
      fmt::format("expected the first period to end by step {}, {}, got start = {}, period = {}", with_commas(last),
                  last < num_steps ? "where growth stops" : "the run's last", with_commas(start), with_commas(period)));
}

LoadGrower::LoadGrower(const std::string& kind, PoolOptions options, const GrowthPeriod& when,
                       const GrowerContext& context)
    : Grower(kind, std::move(options), context), when_(when) {
  when.check(kind, context.num_steps);
}

void LoadGrower::after_step(const GrowthStep& step, Sums& memory, Pool& pool) const {
  if (!when_.is_watching(step.step)) return;
  remember(step, pool.layers(), memory);
  if (!when_.is_due(step.step)) return;
  for (MoeLayer* layer : pool.layers()) decide(*layer, remembered_load(*layer, memory), pool);
  forget_loads(memory);
}

void remember(const GrowthStep& step, const std::vector<MoeLayer*>& layers, Sums& memory) {
  for (size_t l = 0; l < layers.size() && l < step.sums.size(); ++l) {
    for (const char* name : {"assignments_E", "tokens", "unrouted", "unrouted_sum_D"}) {
      const auto found = step.sums[l].find(name);
      if (found == step.sums[l].end()) continue;
      auto& sum = memory[key_of(*layers[l], name)];
      if (sum.defined() && sum.sizes() != found->second.sizes()) {
        throw Error(layers[l]->layer_name(), fmt::format("{}: expected {} values as remembered, got {}", name,
                                                         sum.numel(), found->second.numel()));
      }
      sum = sum.defined() ? sum + found->second : found->second.clone();
    }
  }
}

torch::Tensor remembered(const MoeLayer& layer, const std::string& name, const Sums& memory) {
  const auto found = memory.find(key_of(layer, name));
  return found == memory.end() ? torch::Tensor() : found->second;
}

std::vector<double> remembered_load(const MoeLayer& layer, const Sums& memory) {
  const auto load_E = remembered(layer, "assignments_E", memory);
  std::vector<double> all(static_cast<size_t>(layer.num_experts()), 0);
  if (!load_E.defined()) return all;
  for (size_t e = 0; e < all.size(); ++e) all[e] = load_E[static_cast<int64_t>(e)].item<double>();
  return all;
}

void forget_loads(Sums& memory) {
  std::erase_if(memory, [](const auto& entry) { return entry.first.find(':') != std::string::npos; });
}

int64_t id_of_largest(const MoeLayer& layer, const std::vector<double>& value_E) {
  if (value_E.empty()) return -1;
  const auto largest = std::max_element(value_E.begin(), value_E.end()) - value_E.begin();
  return layer.slots()[static_cast<size_t>(largest)].id;
}

std::string steps_text(int64_t count) { return with_commas(count) + (count == 1 ? " step" : " steps"); }

}  // namespace heterodyne
