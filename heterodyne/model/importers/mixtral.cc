// Mixtral (Jiang et al. 2024) as Hugging Face's MixtralForCausalLM: the two best of all experts, weighed by the softmax
// of their two logits.
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

Blueprint read_mixtral(const HfConfig& config) {
  const Table window{{"window", config.has("sliding_window") ? config.size("sliding_window") : 0}};
  Blueprint blueprint = llama_blueprint(config, config.has("sliding_window") ? window : Table());
  MoeLayers moe;
  moe.layers = all_layers(integer_of(blueprint.model, "layers"));
  moe.experts = config.has("num_local_experts") ? config.num_experts("num_local_experts") : 8;
  moe.hidden = config.size("intermediate_size");
  moe.router = {{"kind", "top_k"}, {"k", config.size("num_experts_per_tok", 2)}};
  moe.section = "block_sparse_moe";
  moe.names = {"w1", "w2", "w3"};
  add_moe_layers(blueprint, moe);
  return blueprint;
}

Table write_mixtral(const Table& model, const DataShape& data) {
  Table config = llama_config("mixtral", "MixtralForCausalLM", model, data);
  const Table experts = first_of(model, "moe.experts");
  config.set("num_local_experts", integer_of(experts, "count"));
  config.set("intermediate_size", single_of(experts, "hidden"));
  config.set("num_experts_per_tok", integer_of(model, "moe.router.k"));
  const int64_t window = integer_of(model, "attention.window");
  config.set("sliding_window", window > 0 ? Value(window) : Value());
  return config;
}

}  // namespace

ImporterKind importer_kind_mixtral() {
  return llama_importer("Mixtral: a Mixture of Experts in every layer of a LLaMA", "mixtral", read_mixtral,
                        write_mixtral);
}

}  // namespace heterodyne
