// LLaMA (Touvron et al. 2023; Dubey et al. 2024) as Hugging Face's LlamaForCausalLM.
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

Blueprint read_llama(const HfConfig& config) {
  config.expect("mlp_bias", false);
  const bool has_bias = config.flag("attention_bias", false);
  const Table biases{{"qkv_bias", true}, {"output_bias", true}};
  Blueprint blueprint = llama_blueprint(config, has_bias ? biases : Table());
  add_dense_layers(blueprint, all_layers(integer_of(blueprint.model, "layers")), config.size("intermediate_size"));
  return blueprint;
}

Table write_llama(const Table& model, const DataShape& data) {
  Table config = llama_config("llama", "LlamaForCausalLM", model, data);
  config.set("intermediate_size", single_of(model, "dense.hidden"));
  config.set("attention_bias", flag_of(model, "attention.qkv_bias"));
  config.set("mlp_bias", false);
  return config;
}

}  // namespace

ImporterKind importer_kind_llama() {
  return llama_importer("LLaMA 1 to 3 and other models of its form", "llama", read_llama, write_llama);
}

}  // namespace heterodyne
