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

[[noreturn]] void refuse(const char* key, const std::string& pattern, const char* what,
                         const std::vector<std::string>& names) {
  const std::string close = nearest(pattern, names);
  const std::string hint = names.empty() ? "" : "; there is " + (close.empty() ? names.front() : close);
  throw ConfigError(
      "model", std::string("lora.") + key,
      fmt::format("expected names of {} with '*' for any text, got \"{}\", which fits none{}", what, pattern, hint));
}

bool fits_one(const std::string& name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return fits_pattern(name, pattern); });
}

}  // namespace

bool is_lora_name(const std::string& name) { return name.ends_with(".lora_a") || name.ends_with(".lora_b"); }

void LoraSection::attach(torch::nn::Module& network, const std::vector<MoeLayer*>& layers, uint64_t seed) const {
  if (rank == 0) return;
  const auto projections = projections_of(network, layers);
  for (const auto& pattern : targets) {
    std::vector<std::string> names;
    bool is_any = false;
    for (const auto& [name, linear, is_inside] : projections) {
      if (!is_inside) names.push_back(name);
      if (!fits_pattern(name, pattern)) continue;
      if (is_inside)
        throw ConfigError("model", "lora.targets",
                          fmt::format("expected dense projections, got \"{}\": {} is of a layer of experts, which run "
                                      "fused and take no corrections",
                                      pattern, name));
      is_any = true;
    }
    if (!is_any) refuse("targets", pattern, "dense projections", names);
  }
  for (const auto& [name, linear, is_inside] : projections) {
    if (fits_one(name, targets)) linear->add_lora(rank, alpha / static_cast<double>(rank), {seed, name});
  }
  auto parameters = network.named_parameters();
  const auto names = parameters.keys();
  for (const auto& pattern : trains) {
    if (std::none_of(names.begin(), names.end(), [&](const auto& name) { return fits_pattern(name, pattern); }))
      refuse("trains", pattern, "parameters", names);
  }
  for (auto& parameter : parameters) {
    if (!is_lora_name(parameter.key()) && !fits_one(parameter.key(), trains))
      parameter.value().set_requires_grad(false);
  }
}

}  // namespace heterodyne
