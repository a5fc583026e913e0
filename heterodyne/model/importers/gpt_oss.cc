// gpt-oss (OpenAI 2025) as Hugging Face's GptOssForCausalLM, unquantised: sinks and biases in the attention, a window
// in every second layer, a biased router, clamped SwiGLU experts whose matrices lie in one tensor for a layer - gate at
// even, linear part at odd columns.
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

using Tensors = TensorMap::Tensors;

// The first is gate_up_proj, [E, D, 2F]: w1 and w3, [F, D], of each expert in turn. Biases lack D.
Tensors apart(const Tensors& theirs) {
  Tensors ours;
  for (int64_t e = 0; e < theirs[0].size(0); ++e) {
    for (const int64_t first : {0, 1}) {
      const auto half = theirs[0][e].slice(-1, first, std::nullopt, 2);
      ours.push_back(half.dim() == 2 ? half.t().contiguous() : half.contiguous());
    }
  }
  return ours;
}

Tensors together(const Tensors& ours) {
  Tensors experts;
  for (size_t i = 0; i < ours.size(); i += 2) {
    const auto pair = at::stack({ours[i], ours[i + 1]}, 1);  // [F, 2, D] or [F, 2]
    const auto flat = pair.flatten(0, 1);
    experts.push_back(flat.dim() == 2 ? flat.t() : flat);
  }
  return {at::stack(experts).contiguous()};
}

// down_proj, [E, F, D]: w2, [D, F], of each expert; biases [E, D].
Tensors turned_apart(const Tensors& theirs) {
  Tensors ours;
  for (int64_t e = 0; e < theirs[0].size(0); ++e)
    ours.push_back(theirs[0].dim() == 3 ? theirs[0][e].t().contiguous() : theirs[0][e].contiguous());
  return ours;
}

Tensors turned_together(const Tensors& ours) {
  Tensors experts;
  for (const auto& tensor : ours) experts.push_back(tensor.dim() == 2 ? tensor.t() : tensor);
  return {at::stack(experts).contiguous()};
}

void add_experts(Blueprint& blueprint, int64_t layer, int64_t count) {
  const std::string ours = fmt::format("layers.{}.", layer), theirs = fmt::format("model.layers.{}.mlp.", layer);
  blueprint.tensors.push_back({{ours + "router.gate.weight"}, {theirs + "router.weight"}});
  blueprint.tensors.push_back({{ours + "router.gate.bias"}, {theirs + "router.bias"}});
  for (const auto& [our, their] : {std::pair{".weight", ""}, {".bias", "_bias"}}) {
    TensorMap up{{}, {theirs + "experts.gate_up_proj" + their}, apart, together};
    TensorMap down{{}, {theirs + "experts.down_proj" + their}, turned_apart, turned_together};
    for (const int64_t expert : all_layers(count)) {
      const std::string name = fmt::format("{}experts.{}.", ours, expert);
      up.ours.push_back(name + "w1" + our);
      up.ours.push_back(name + "w3" + our);
      down.ours.push_back(name + "w2" + our);
    }
    blueprint.tensors.push_back(std::move(up));
    blueprint.tensors.push_back(std::move(down));
  }
}

std::vector<int64_t> window_layers_of(const HfConfig& config, int64_t layers) {
  std::vector<int64_t> with;
  const auto types = config.texts("layer_types");
  for (const int64_t layer : all_layers(layers)) {
    const auto i = static_cast<size_t>(layer);
    if (types.empty() ? layer % 2 == 0 : i < types.size() && types[i] == "sliding_attention") with.push_back(layer);
  }
  return with;
}

Blueprint read_gpt_oss(const HfConfig& config) {
  Table attention{{"qkv_bias", true}, {"output_bias", true}, {"sinks", true}};
  if (!config.flag("attention_bias", true)) attention = {{"sinks", true}};
  const auto layers = config.num_layers();
  const auto with_window = window_layers_of(config, layers);
  if (!with_window.empty()) {
    attention.set("window", config.size("sliding_window", 128));
    if (static_cast<int64_t>(with_window.size()) < layers)
      attention.set("window_layers", Array(with_window.begin(), with_window.end()));
  }
  Blueprint blueprint = llama_blueprint(config, attention);
  const int64_t experts = config.num_experts("num_local_experts");
  blueprint.model.set(
      "moe", Table{{"router", Table{{"kind", "top_k"}, {"k", config.size("num_experts_per_tok", 4)}, {"bias", true}}},
                   {"experts", Array{Table{{"kind", "clamped_swiglu"},
                                           {"count", experts},
                                           {"hidden", config.size("intermediate_size")},
                                           {"limit", config.real("swiglu_limit", 7.0)},
                                           {"sharpness", config.real("swiglu_alpha", 1.702)}}}}});
  for (const int64_t layer : all_layers(layers)) add_experts(blueprint, layer, experts);
  return blueprint;
}

Table write_gpt_oss(const Table& model, const DataShape& data) {
  Table config = llama_config("gpt_oss", "GptOssForCausalLM", model, data);
  const Table experts = first_of(model, "moe.experts");
  config.set("num_local_experts", integer_of(experts, "count"));
  config.set("intermediate_size", single_of(experts, "hidden"));
  config.set("num_experts_per_tok", integer_of(model, "moe.router.k"));
  if (const Value* limit = experts.find("limit")) config.set("swiglu_limit", *limit);
  if (const Value* sharpness = experts.find("sharpness")) config.set("swiglu_alpha", *sharpness);
  config.set("attention_bias", flag_of(model, "attention.qkv_bias"));
  const int64_t window = integer_of(model, "attention.window");
  auto with_window = integers_of(model, "attention.window_layers");
  const auto layers = all_layers(integer_of(model, "layers"));
  if (window > 0 && with_window.empty()) with_window = layers;
  Array types(layers.size(), "full_attention");
  for (const int64_t layer : with_window) types.at(static_cast<size_t>(layer)) = "sliding_attention";
  config.set("layer_types", types);
  config.set("sliding_window", std::max<int64_t>(1, window));
  return config;
}

}  // namespace

ImporterKind importer_kind_gpt_oss() {
  return llama_importer("gpt-oss, unquantised: sinks, windows, a biased router and clamped experts", "gpt_oss",
                        read_gpt_oss, write_gpt_oss);
}

}  // namespace heterodyne
