// OLMoE (Muennighoff et al. 2024) as Hugging Face's OlmoeForCausalLM: queries and keys are normalised as whole rows,
// the weights are probabilities among all experts.
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

Blueprint read_olmoe(const HfConfig& config) {
  config.expect("clip_qkv", Value());
  Table attention{{"query_norm", "row"}};
  if (config.flag("attention_bias", false)) attention.set("qkv_bias", true), attention.set("output_bias", true);
  Blueprint blueprint = llama_blueprint(config, attention);
  MoeLayers moe;
  moe.layers = all_layers(integer_of(blueprint.model, "layers"));
  moe.experts = config.has("num_experts") ? config.num_experts("num_experts") : 64;
  moe.hidden = config.size("intermediate_size");
  moe.router = {{"kind", "top_k"},
                {"k", config.size("num_experts_per_tok", 8)},
                {"weights", config.flag("norm_topk_prob", false) ? "renormalized" : "score"}};
  add_moe_layers(blueprint, moe);
  return blueprint;
}

Table write_olmoe(const Table& model, const DataShape& data) {
  Table config = llama_config("olmoe", "OlmoeForCausalLM", model, data);
  const Table experts = first_of(model, "moe.experts");
  config.set("num_experts", integer_of(experts, "count"));
  config.set("intermediate_size", single_of(experts, "hidden"));
  config.set("num_experts_per_tok", integer_of(model, "moe.router.k"));
  config.set("norm_topk_prob", text_of(model, "moe.router.weights") == "renormalized");
  config.set("attention_bias", flag_of(model, "attention.qkv_bias"));
  config.set("clip_qkv", Value());
  return config;
}

}  // namespace

ImporterKind importer_kind_olmoe() {
  return llama_importer("OLMoE: many small experts, queries and keys normalised", "olmoe", read_olmoe, write_olmoe);
}

}  // namespace heterodyne
