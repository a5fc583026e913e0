#include "heterodyne/train/transfer/pad.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/train/transfer/remade.h"

namespace heterodyne {
namespace {

// What all layers of experts are to be like.
struct Common {
  int64_t num_experts = 0;
  int64_t width = 0;
};

int64_t width_of(const ExpertSlot& slot) { return slot.expert->named_parameters()["w1.weight"].size(0); }

Common common_of(const std::vector<MoeLayer*>& layers) {
  Common common{layers.front()->num_experts(), 0};
  for (const MoeLayer* layer : layers) {
    if (layer->num_experts() != common.num_experts)
      throw CheckError("export", fmt::format("--pad: {}: expected {} experts, as in the layers before it, got {}",
                                             layer->layer_name(), common.num_experts, layer->num_experts()));
    for (const auto& slot : layer->slots()) {
      if (layer->group_kind(slot.group) != "swiglu")
        throw CheckError("export", fmt::format("--pad: {}: expected experts of kind swiglu, got {}",
                                               layer->layer_name(), layer->group_kind(slot.group)));
      common.width = std::max(common.width, width_of(slot));
    }
  }
  return common;
}

// The section `moe` in which every layer has the same settings.
Table equal_section(const Table& moe, const std::vector<MoeLayer*>& layers, const Common& common) {
  const Array experts{Table{{"kind", "swiglu"}, {"count", common.num_experts}, {"hidden", common.width}}};
  const auto of_layer = [&](const MoeLayer& layer) {
    const std::string number = layer.layer_name().substr(layer.layer_name().rfind('.') + 1);
    const Value* own = moe.find_path("layer." + number);
    Table settings = own && own->if_table() ? *own->if_table() : moe;
    settings.erase("layer");
    settings.erase("layers");
    settings.set("experts", experts);
    return settings;
  };
  Table section = of_layer(*layers.front());
  for (const MoeLayer* layer : layers) {
    const Table other = of_layer(*layer);
    for (const auto& [key, value] : section.entries()) {
      const Value* found = other.find(key);
      if (!found || !(*found == value))
        throw CheckError("export", fmt::format("--pad: {}: expected the same {} as in {}, got another",
                                               layer->layer_name(), key, layers.front()->layer_name()));
    }
  }
  if (const Value* which = moe.find("layers")) section.set("layers", *which);
  return section;
}

torch::Tensor widened(const torch::Tensor& matrix, const torch::Tensor& like) {
  auto wide = torch::zeros_like(like);
  wide.narrow(0, 0, matrix.size(0)).narrow(1, 0, matrix.size(1)).copy_(matrix);
  return wide;
}

}  // namespace

PaddedModel padded_experts(const TrainedModel& model) {
  const torch::NoGradGuard no_grad;
  const auto before = model.network->moe_layers();
  if (before.empty()) throw ConfigError("export: --pad has no effect: the network has no experts");
  Table settings = *model.experiment.resolved.find("model")->if_table();
  settings.set("moe", equal_section(*settings.find("moe")->if_table(), before, common_of(before)));
  PaddedModel padded{remade(model, std::move(settings))};
  take_values(*padded.model.network, *model.network, ".experts.");

  const auto after = padded.model.network->moe_layers();
  for (size_t l = 0; l < after.size(); ++l) {
    for (size_t e = 0; e < after[l]->slots().size(); ++e) {
      const auto parameters = before[l]->slots()[e].expert->named_parameters();
      for (auto& parameter : after[l]->slots()[e].expert->named_parameters()) {
        const auto& narrow = parameters[parameter.key()];
        parameter.value().copy_(widened(narrow, parameter.value()));
        padded.num_before += narrow.numel();
        padded.num_after += parameter.value().numel();
      }
    }
  }
  return padded;
}

}  // namespace heterodyne
