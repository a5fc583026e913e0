// MobileNetV2 (Sandler et al. 2018) as Hugging Face's MobileNetV2ForImageClassification, and as Keras stores it without
// its top: kernels with the channels last, names like "block_3_expand_BN/gamma". Keras has no config.json; one is to be
// given that says {"model_type": "keras_mobilenet_v2", "depth_multiplier": 0.35, "image_size": 224}.
#include <fmt/format.h>

#include "heterodyne/model/foreign/encoder_parts.h"
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

constexpr const char* kKeras = "keras_mobilenet_v2";
constexpr int64_t kBlocks = 17;

using Tensors = TensorMap::Tensors;

// Keras to here: [H, W, inputs, outputs] to [outputs, inputs, H, W]; depthwise [H, W, C, 1] to [C, 1, H, W].
Tensors channels_first(const Tensors& theirs) { return {theirs[0].permute({3, 2, 0, 1}).contiguous()}; }
Tensors channels_last(const Tensors& ours) { return {ours[0].permute({2, 3, 1, 0}).contiguous()}; }
Tensors depth_first(const Tensors& theirs) { return {theirs[0].permute({2, 3, 0, 1}).contiguous()}; }
Tensors depth_last(const Tensors& ours) { return {ours[0].permute({2, 3, 0, 1}).contiguous()}; }

// One convolution with its normalisation: ours, theirs, and theirs of the normalisation.
void add_keras(Blueprint& blueprint, const std::string& ours, const std::string& conv, const std::string& norm) {
  const bool is_depthwise = conv.ends_with("depthwise");
  TensorMap kernel{{ours + ".weight"}, {conv + (is_depthwise ? "/depthwise_kernel" : "/kernel")}};
  kernel.to_ours = is_depthwise ? depth_first : channels_first;
  kernel.to_theirs = is_depthwise ? depth_last : channels_last;
  blueprint.tensors.push_back(std::move(kernel));
  for (const auto& [our, their] : {std::pair{"weight", "gamma"},
                                   {"bias", "beta"},
                                   {"running_mean", "moving_mean"},
                                   {"running_var", "moving_variance"}})
    blueprint.tensors.push_back({{ours + ".norm." + our}, {norm + "/" + their}});
}

void add_torch(Blueprint& blueprint, const std::string& ours, const std::string& theirs) {
  const std::string prefix = "mobilenet_v2." + theirs;
  blueprint.tensors.push_back({{ours + ".weight"}, {prefix + ".convolution.weight"}});
  for (const std::string part : {"weight", "bias", "running_mean", "running_var"})
    blueprint.tensors.push_back({{ours + ".norm." + part}, {prefix + ".normalization." + part}});
  blueprint.ignored.push_back(prefix + ".normalization.num_batches_tracked");
}

void add_keras_layers(Blueprint& blueprint) {
  add_keras(blueprint, "stem", "Conv1", "bn_Conv1");
  for (const int64_t block : all_layers(kBlocks)) {
    const std::string ours = fmt::format("blocks.{}.", block);
    const std::string theirs = block == 0 ? "expanded_conv_" : fmt::format("block_{}_", block);
    if (block > 0) add_keras(blueprint, ours + "widen", theirs + "expand", theirs + "expand_BN");
    add_keras(blueprint, ours + "filter", theirs + "depthwise", theirs + "depthwise_BN");
    add_keras(blueprint, ours + "narrow", theirs + "project", theirs + "project_BN");
  }
  add_keras(blueprint, "last", "Conv_1", "Conv_1_bn");
}

void add_torch_layers(Blueprint& blueprint) {
  add_torch(blueprint, "stem", "conv_stem.first_conv");
  for (const int64_t block : all_layers(kBlocks)) {
    const std::string ours = fmt::format("blocks.{}.", block);
    const std::string theirs = block == 0 ? "conv_stem." : fmt::format("layer.{}.", block - 1);
    if (block > 0) add_torch(blueprint, ours + "widen", theirs + "expand_1x1");
    add_torch(blueprint, ours + "filter", theirs + "conv_3x3");
    add_torch(blueprint, ours + "narrow", theirs + "reduce_1x1");
  }
  add_torch(blueprint, "last", "conv_1x1");
  for (const std::string part : {".weight", ".bias"})
    blueprint.tensors.push_back({{"head" + part}, {"classifier" + part}});
}

Blueprint read_mobilenet_v2(const HfConfig& config) {
  const bool is_keras = config.text("model_type", "") == kKeras;
  config.expect("tf_padding", true);
  config.expect("hidden_act", "relu6");
  config.expect("expand_ratio", 6.0);
  config.expect("depth_divisible_by", 8);
  config.expect("min_depth", 8);
  config.expect("output_stride", 32);
  config.expect("finegrained_output", true);
  config.expect("first_layer_is_expansion", true);
  Blueprint blueprint;
  blueprint.model = {{"kind", "mobilenet_v2"},
                     {"multiplier", config.real("depth_multiplier", 1.0)},
                     {"norm_eps", config.real("layer_norm_eps", 1e-3)},
                     {"output", is_keras ? "features" : "classes"}};
  const auto labels = static_cast<int64_t>(config.inner("id2label").table().size());
  blueprint.data.channels = config.size("num_channels", 3);
  blueprint.data.height = blueprint.data.width = config.size("image_size", 224);
  blueprint.data.num_classes = labels > 0 ? labels : 1000;
  if (is_keras) add_keras_layers(blueprint);
  else {
    blueprint.model.set("classes", blueprint.data.num_classes);
    add_torch_layers(blueprint);
  }
  return blueprint;
}

Table write_mobilenet_v2(const Table& model, const DataShape& data) {
  Table config{{"model_type", kKeras}};
  if (text_of(model, "output") == "classes")
    config = {{"architectures", Array{"MobileNetV2ForImageClassification"}}, {"model_type", "mobilenet_v2"}};
  config.set("depth_multiplier", *model.find("multiplier"));
  config.set("layer_norm_eps", *model.find("norm_eps"));
  config.set("num_channels", data.channels);
  config.set("image_size", data.height);
  config.set("tf_padding", true);
  config.set("hidden_act", "relu6");
  const int64_t classes = integer_of(model, "classes");
  set_labels(config, classes > 0 ? classes : data.num_classes);
  return config;
}

bool is_mobilenet_v2(const Table& config) {
  const std::string type = text_of(config, "model_type");
  return type == "mobilenet_v2" || type == kKeras;
}

}  // namespace

ImporterKind importer_kind_mobilenet_v2() {
  return {"MobileNetV2, in the form of transformers or of Keras without its top",
          Schema(),
          "mobilenet_v2",
          is_mobilenet_v2,
          [](const Table& config, const std::string& where) { return read_mobilenet_v2({config, where}); },
          write_mobilenet_v2};
}

}  // namespace heterodyne
