// A vision transformer (Dosovitskiy et al. 2021) as Hugging Face's ViTForImageClassification.
#include <fmt/format.h>

#include "heterodyne/model/foreign/encoder_parts.h"
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

// One tensor of theirs has an axis of size one in front, ours has not.
TensorMap with_first_axis(const std::string& ours, const std::string& theirs) {
  return {{ours},
          {theirs},
          [](const TensorMap::Tensors& tensors) -> TensorMap::Tensors { return {tensors[0].squeeze(0)}; },
          [](const TensorMap::Tensors& tensors) -> TensorMap::Tensors { return {tensors[0].unsqueeze(0)}; }};
}

void add_vit_block(Blueprint& blueprint, int64_t layer) {
  const std::string block = fmt::format("blocks.{}.", layer), expert = fmt::format("layers.{}.", layer);
  const std::string theirs = fmt::format("vit.encoder.layer.{}.", layer);
  for (const std::string part : {".weight", ".bias"}) {
    const auto add = [&](const std::string& our, const std::string& their) {
      blueprint.tensors.push_back({{our + part}, {theirs + their + part}});
    };
    add(block + "attention_norm", "layernorm_before");
    add(block + "attention.query", "attention.attention.query");
    blueprint.tensors.push_back(joined_keys_and_values(block + "attention.key_value" + part,
                                                       theirs + "attention.attention.key" + part,
                                                       theirs + "attention.attention.value" + part));
    add(block + "attention.output", "attention.output.dense");
    add(block + "feed_forward_norm", "layernorm_after");
    add(expert + "up", "intermediate.dense");
    add(expert + "down", "output.dense");
  }
}

Blueprint read_vit(const HfConfig& config) {
  const auto architectures = config.texts("architectures");
  if (!architectures.empty() && architectures.front() != "ViTForImageClassification")
    config.fail("architectures", "\"ViTForImageClassification\"");
  config.expect("hidden_act", "gelu");
  config.expect("qkv_bias", true);
  const int64_t layers = config.num_layers();
  Blueprint blueprint;
  blueprint.model = {{"kind", "vit"},
                     {"width", config.size("hidden_size")},
                     {"layers", layers},
                     {"heads", config.size("num_attention_heads")},
                     {"patch", config.size("patch_size", 16)},
                     {"pool", "cls"},
                     {"norm_eps", config.real("layer_norm_eps", 1e-12)},
                     {"dropout", config.real("hidden_dropout_prob", 0)},
                     {"dense", Table{{"kind", "mlp"}, {"hidden", config.size("intermediate_size")}}}};
  const auto labels = static_cast<int64_t>(config.inner("id2label").table().size());
  blueprint.data.channels = config.size("num_channels", 3);
  blueprint.data.height = blueprint.data.width = config.size("image_size", 224);
  blueprint.data.num_classes = labels > 0 ? labels : 2;
  blueprint.tensors.push_back(with_first_axis("positions", "vit.embeddings.position_embeddings"));
  blueprint.tensors.push_back(with_first_axis("class_token", "vit.embeddings.cls_token"));
  for (const int64_t layer : all_layers(layers)) add_vit_block(blueprint, layer);
  for (const std::string part : {".weight", ".bias"}) {
    blueprint.tensors.push_back({{"stem.conv" + part}, {"vit.embeddings.patch_embeddings.projection" + part}});
    blueprint.tensors.push_back({{"norm" + part}, {"vit.layernorm" + part}});
    blueprint.tensors.push_back({{"head" + part}, {"classifier" + part}});
  }
  return blueprint;
}

Table write_vit(const Table& model, const DataShape& data) {
  Table config{{"architectures", Array{"ViTForImageClassification"}},
               {"model_type", "vit"},
               {"hidden_size", integer_of(model, "width")},
               {"num_hidden_layers", integer_of(model, "layers")},
               {"num_attention_heads", integer_of(model, "heads")},
               {"intermediate_size", single_of(model, "dense.hidden")},
               {"image_size", data.height},
               {"patch_size", integer_of(model, "patch")},
               {"num_channels", data.channels},
               {"layer_norm_eps", *model.find("norm_eps")},
               {"hidden_dropout_prob", *model.find("dropout")},
               {"attention_probs_dropout_prob", *model.find("dropout")},
               {"qkv_bias", true},
               {"hidden_act", "gelu"}};
  set_labels(config, data.num_classes);
  return config;
}

}  // namespace

ImporterKind importer_kind_vit() {
  return {"vision transformer with its classes",
          Schema(),
          "vit",
          [](const Table& config) { return text_of(config, "model_type") == "vit"; },
          [](const Table& config, const std::string& where) { return read_vit({config, where}); },
          write_vit};
}

}  // namespace heterodyne
