// Qwen 2's Mixtures of Experts (Yang et al. 2024) as Hugging Face's Qwen2MoeForCausalLM: biases of queries, keys and
// values, and an expert for every token behind a sigmoid gate; some layers may be dense.
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

Blueprint read_qwen2_moe(const HfConfig& config) {
  config.expect("use_sliding_window", false);
  config.expect("decoder_sparse_step", 1);
  const bool has_bias = config.flag("qkv_bias", true);
  Blueprint blueprint = llama_blueprint(config, has_bias ? Table{{"qkv_bias", true}} : Table());
  add_sparse_layers(blueprint, config, 4, config.size("shared_expert_intermediate_size"));
  return blueprint;
}

Table write_qwen2_moe(const Table& model, const DataShape& data) {
  Table config = llama_config("qwen2_moe", "Qwen2MoeForCausalLM", model, data);
  set_sparse_layers(config, model);
  config.set("qkv_bias", flag_of(model, "attention.qkv_bias"));
  config.set("shared_expert_intermediate_size", single_of(first_of(model, "moe.shared"), "hidden"));
  config.set("use_sliding_window", false);
  return config;
}

}  // namespace

ImporterKind importer_kind_qwen2_moe() {
  return llama_importer("Qwen 2 with Mixtures of Experts and an expert that every token shares", "qwen2_moe",
                        read_qwen2_moe, write_qwen2_moe);
}

}  // namespace heterodyne
