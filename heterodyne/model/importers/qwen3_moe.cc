// Qwen 3's Mixtures of Experts (Yang et al. 2025) as Hugging Face's Qwen3MoeForCausalLM: each head's queries and keys
// are normalised; some layers may be dense.
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

Blueprint read_qwen3_moe(const HfConfig& config) {
  config.expect("use_sliding_window", false);
  config.expect("decoder_sparse_step", 1);
  Table attention{{"query_norm", "head"}};
  if (config.flag("attention_bias", false)) attention.set("qkv_bias", true), attention.set("output_bias", true);
  Blueprint blueprint = llama_blueprint(config, attention);
  add_sparse_layers(blueprint, config, 8, 0);
  return blueprint;
}

Table write_qwen3_moe(const Table& model, const DataShape& data) {
  Table config = llama_config("qwen3_moe", "Qwen3MoeForCausalLM", model, data);
  set_sparse_layers(config, model);
  config.set("attention_bias", flag_of(model, "attention.qkv_bias"));
  config.set("sliding_window", Value());
  return config;
}

}  // namespace

ImporterKind importer_kind_qwen3_moe() {
  return llama_importer("Qwen 3 with Mixtures of Experts, each head's queries and keys normalised", "qwen3_moe",
                        read_qwen3_moe, write_qwen3_moe);
}

}  // namespace heterodyne
