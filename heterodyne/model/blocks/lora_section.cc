#include "heterodyne/model/blocks/lora_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/model/freeze.h"
#include "heterodyne/nn/lora_linear.h"

namespace heterodyne {
namespace {

struct Projection {
  std::string name;
  nn::LoraLinear* linear = nullptr;
  bool is_inside = false;  // of a layer of experts
};

std::vector<Projection> projections_of(const torch::nn::Module& network, const std::vector<MoeLayer*>& layers) {
  std::vector<Projection> all;
  for (const auto& item : network.named_modules("", false)) {
    auto* linear = dynamic_cast<nn::LoraLinear*>(item.value().get());
    if (!linear) continue;
    const bool is_inside = std::any_of(layers.begin(), layers.end(), [&](const MoeLayer* layer) {
      return item.key().starts_with(layer->layer_name() + ".");
    });
    all.push_back({item.key(), linear, is_inside});
  }
  return all;
}

}  // namespace

bool is_lora_name(const std::string& name) { return name.ends_with(".lora_a") || name.ends_with(".lora_b"); }

void LoraSection::attach(torch::nn::Module& network, const std::vector<MoeLayer*>& layers, uint64_t seed) const {
  if (rank == 0) return;
  const auto projections = projections_of(network, layers);
  std::vector<std::string> dense;
  for (const auto& [name, linear, is_inside] : projections) {
    if (!is_inside) dense.push_back(name);
  }
  for (const auto& pattern : targets) {
    for (const auto& [name, linear, is_inside] : projections) {
      if (is_inside && fits_pattern(name, pattern))
        throw ConfigError("model", "lora.targets",
                          fmt::format("expected dense projections, got \"{}\": {} is of a layer of experts, which run "
                                      "fused and take no corrections",
                                      pattern, name));
    }
  }
  check_patterns(targets, dense, {"model", "lora.targets", "dense projections"});
  for (const auto& [name, linear, is_inside] : projections) {
    if (fits_any(name, targets)) linear->add_lora(rank, alpha / static_cast<double>(rank), {seed, name});
  }
  auto parameters = network.named_parameters();
  check_patterns(trains, parameters.keys(), {"model", "lora.trains", "parameters"});
  for (auto& parameter : parameters) {
    if (!is_lora_name(parameter.key()) && !fits_any(parameter.key(), trains))
      parameter.value().set_requires_grad(false);
  }
}

}  // namespace heterodyne
