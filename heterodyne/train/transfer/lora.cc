#include "heterodyne/train/transfer/lora.h"

#include "heterodyne/layer/resize.h"
#include "heterodyne/nn/lora_linear.h"
#include "heterodyne/train/transfer/remade.h"

namespace heterodyne {
namespace {

// The model with other settings model.lora; values of equal names are taken over.
TrainedModel with_lora(const TrainedModel& model, const LoraSection& lora) {
  Table settings = *model.experiment.resolved.find("model")->if_table();
  settings.erase("lora");
  if (lora.rank > 0) settings.set("lora", settings_of(lora));
  auto changed = remade(model, std::move(settings));
  const auto layers = changed.network->moe_layers(), before = model.network->moe_layers();
  for (size_t l = 0; l < layers.size(); ++l) set_topology(*layers[l], topology(*before[l]), layers[l]->layer_name());
  take_values(*changed.network, *model.network);
  return changed;
}

}  // namespace

LoraSection lora_of(const Experiment& experiment) {
  const Value* settings = experiment.resolved.find_path("model.lora");
  if (!settings || !settings->if_table()) return {};
  return read_options<LoraSection>(*settings->if_table(), {"model.lora", ""});
}

TrainedModel with_adapter(const TrainedModel& base, const PeftAdapter& adapter) {
  auto model = with_lora(base, adapter.lora);
  fill_lora(*model.network, adapter);
  return model;
}

TrainedModel merged_lora(const TrainedModel& model) {
  if (lora_of(model.experiment).rank == 0)
    throw CheckError("merge-lora", "expected a model with corrections (model.lora), got one without");
  auto merged = with_lora(model, {});
  auto parameters = merged.network->named_parameters();
  const torch::NoGradGuard no_grad;
  for (const auto& item : model.network->named_modules("", false)) {
    const auto* linear = dynamic_cast<const nn::LoraLinear*>(item.value().get());
    if (linear && linear->has_lora()) parameters[item.key() + ".weight"].copy_(linear->merged());
  }
  return merged;
}

}  // namespace heterodyne
