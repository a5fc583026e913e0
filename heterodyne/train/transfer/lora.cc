#include "heterodyne/train/transfer/lora.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "heterodyne/layer/resize.h"
#include "heterodyne/model/load.h"
#include "heterodyne/nn/lora_linear.h"

namespace heterodyne {
namespace {

// The model with other settings model.lora; values of equal names are taken over.
TrainedModel with_lora(const TrainedModel& model, const LoraSection& lora) {
  Table config = model.experiment.resolved;
  Table settings = *config.find("model")->if_table();
  settings.erase("lora");
  if (lora.rank > 0) settings.set("lora", settings_of(lora));
  config.set("model", std::move(settings));
  TrainedModel changed{read_experiment(config), {}, nullptr};
  changed.experiment.vocabulary = model.experiment.vocabulary;
  changed.network = make_network(changed.experiment);
  const auto layers = changed.network->moe_layers(), before = model.network->moe_layers();
  for (size_t l = 0; l < layers.size(); ++l) set_topology(*layers[l], topology(*before[l]), layers[l]->layer_name());
  std::map<std::string, torch::Tensor> values;
  for (const auto& [name, tensor] : state_of(*model.network)) values.emplace(name, tensor);
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(*changed.network)) {
    const auto found = values.find(name);
    if (found != values.end()) tensor.copy_(found->second);
  }
  changed.network->eval();
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

double largest_difference(const TrainedModel& one, const TrainedModel& other) {
  const DataShape data = network_shape(one.experiment);
  const torch::NoGradGuard no_grad;
  Batch batch;
  const auto drawn = RandomStream("lora.parity").uniform({1, 0}, {4, std::min<int64_t>(data.length, 64)});
  batch.inputs = (drawn * static_cast<double>(data.vocabulary)).to(torch::kInt64).clamp_max(data.vocabulary - 1);
  const auto difference =
      one.network->forward(batch, nullptr).logit_BY - other.network->forward(batch, nullptr).logit_BY;
  return difference.abs().max().item<double>();
}

void save_model(const std::string& folder, const TrainedModel& model) {
  save_checkpoint(std::filesystem::absolute(folder).string(), *model.network,
                  *optimizers().make(model.experiment.options.train.optimizer), {}, model.experiment);
}

}  // namespace heterodyne
