#include "heterodyne/model/foreign/llama_family.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

constexpr int64_t kLongestWindow = 1024;  // of the texts that an imported model is evaluated on

void add(Blueprint& blueprint, const std::string& ours, const std::string& theirs) {
  blueprint.tensors.push_back({{ours}, {theirs}});
}

// Positions, in either style of keys.
Table rotary_of(const HfConfig& config) {
  const bool is_new = config.has("rope_parameters");
  const HfConfig rope = config.inner(is_new ? "rope_parameters" : "rope_scaling");
  Table rotary{{"theta", rope.real("rope_theta", config.real("rope_theta", 10000.0))}};
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  rope.expect("partial_rotary_factor", 1.0);
  const double factor = rope.real("factor", 1.0);
  if (type == "default" || factor == 1.0) return rotary;
  rotary.set("factor", factor);
  if (type == "llama3") {
    rotary.set("low_frequency", rope.real("low_freq_factor", 1.0));
    rotary.set("high_frequency", rope.real("high_freq_factor", 4.0));
    rotary.set("original_length", rope.size("original_max_position_embeddings"));
  } else if (type == "yarn") {
    for (const char* key : {"attention_factor", "mscale", "mscale_all_dim"}) rope.expect(key, Value());
    rotary.set("low_frequency", rope.real("beta_slow", 1.0));
    rotary.set("high_frequency", rope.real("beta_fast", 32.0));
    rotary.set("original_length",
               rope.size("original_max_position_embeddings", config.size("max_position_embeddings", 2048)));
    rotary.set("stretch", "yarn");
    rotary.set("is_rounded", rope.flag("truncate", true));
  } else {
    rope.fail("rope_type", "default, llama3 or yarn");
  }
  return rotary;
}

void add_attention(Blueprint& blueprint, int64_t layer, const Table& attention) {
  const std::string ours = fmt::format("blocks.{}.attention.", layer);
  const std::string theirs = fmt::format("model.layers.{}.self_attn.", layer);
  const auto has = [&](const char* key) { return flag_of(attention, key); };
  for (const auto& [our, their, has_bias] : {std::tuple{"query", "q_proj", has("qkv_bias")},
                                             {"key", "k_proj", has("qkv_bias")},
                                             {"value", "v_proj", has("qkv_bias")},
                                             {"output", "o_proj", has("output_bias")}}) {
    add(blueprint, ours + our + ".weight", theirs + their + ".weight");
    if (has_bias) add(blueprint, ours + our + ".bias", theirs + their + ".bias");
  }
  const std::string norm = text_of(attention, "query_norm");
  if (!norm.empty() && norm != "none") {
    add(blueprint, ours + "query_norm.weight", theirs + "q_norm.weight");
    add(blueprint, ours + "key_norm.weight", theirs + "k_norm.weight");
  }
  if (has("sinks")) add(blueprint, ours + "sinks", theirs + "sinks");
}

void add_expert(Blueprint& blueprint, const std::string& ours, const std::string& theirs,
                const FeedForwardNames& names) {
  add(blueprint, ours + ".w1.weight", theirs + "." + names.gate + ".weight");
  add(blueprint, ours + ".w2.weight", theirs + "." + names.down + ".weight");
  add(blueprint, ours + ".w3.weight", theirs + "." + names.up + ".weight");
}

Array layer_list(const std::vector<int64_t>& layers) { return Array(layers.begin(), layers.end()); }

Table rope_parameters_of(const Table& model) {
  const auto number = [&](const char* key) { return *model.find_path(std::string("rotary.") + key); };
  Table rope{{"rope_theta", number("theta")}, {"rope_type", "default"}};
  const Value* factor = model.find_path("rotary.factor");
  if (factor == nullptr || *factor == Value(1.0) || *factor == Value(1)) return rope;
  const bool is_yarn = text_of(model, "rotary.stretch") == "yarn";
  rope.set("rope_type", is_yarn ? "yarn" : "llama3");
  rope.set("factor", *factor);
  rope.set(is_yarn ? "beta_slow" : "low_freq_factor", number("low_frequency"));
  rope.set(is_yarn ? "beta_fast" : "high_freq_factor", number("high_frequency"));
  rope.set("original_max_position_embeddings", number("original_length"));
  if (is_yarn) rope.set("truncate", number("is_rounded"));
  return rope;
}

}  // namespace

Blueprint llama_blueprint(const HfConfig& config, const Table& attention) {
  config.expect("hidden_act", "silu");
  const int64_t width = config.size("hidden_size"), layers = config.num_layers();
  const int64_t heads = config.size("num_attention_heads");
  if (!config.has("head_dim") && width % heads != 0)
    config.fail("num_attention_heads", fmt::format("a divisor of hidden_size = {}", width));
  const bool is_tied = config.flag("tie_word_embeddings", false);
  Blueprint blueprint;
  blueprint.model = {{"kind", "llama"},
                     {"width", width},
                     {"layers", layers},
                     {"heads", heads},
                     {"kv_heads", config.size("num_key_value_heads", heads)},
                     {"head_width", config.size("head_dim", width / heads)},
                     {"rotary", rotary_of(config)},
                     {"norm_eps", config.real("rms_norm_eps", 1e-6)},
                     {"tied", is_tied},
                     {"context", config.size("max_position_embeddings", 2048)}};
  if (!attention.empty()) blueprint.model.set("attention", attention);
  blueprint.data.vocabulary = blueprint.data.num_classes = config.size("vocab_size");
  blueprint.data.length = std::min(integer_of(blueprint.model, "context"), kLongestWindow);
  add(blueprint, "embedding.weight", "model.embed_tokens.weight");
  for (const int64_t layer : all_layers(layers)) {
    const std::string ours = fmt::format("blocks.{}.", layer), theirs = fmt::format("model.layers.{}.", layer);
    add(blueprint, ours + "attention_norm.weight", theirs + "input_layernorm.weight");
    add_attention(blueprint, layer, attention);
    add(blueprint, ours + "feed_forward_norm.weight", theirs + "post_attention_layernorm.weight");
    blueprint.ignored.push_back(theirs + "self_attn.rotary_emb.inv_freq");
  }
  add(blueprint, "norm.weight", "model.norm.weight");
  if (is_tied) blueprint.ignored.emplace_back("lm_head.weight");
  else add(blueprint, "head.weight", "lm_head.weight");
  return blueprint;
}

void add_dense_layers(Blueprint& blueprint, const std::vector<int64_t>& layers, int64_t hidden) {
  if (layers.empty()) return;
  blueprint.model.set("dense", Table{{"kind", "swiglu"}, {"hidden", hidden}});
  for (const int64_t layer : layers)
    add_expert(blueprint, fmt::format("layers.{}", layer), fmt::format("model.layers.{}.mlp", layer), {});
}

void add_moe_layers(Blueprint& blueprint, const MoeLayers& moe) {
  if (moe.layers.empty()) return;
  Table section{{"router", moe.router},
                {"experts", Array{Table{{"kind", "swiglu"}, {"count", moe.experts}, {"hidden", moe.hidden}}}}};
  if (static_cast<int64_t>(moe.layers.size()) < integer_of(blueprint.model, "layers"))
    section.set("layers", layer_list(moe.layers));
  if (moe.shared_hidden > 0) {
    section.set("shared", Array{Table{{"kind", "swiglu"}, {"hidden", moe.shared_hidden}}});
    section.set("shared_gate", true);
  }
  blueprint.model.set("moe", section);
  for (const int64_t layer : moe.layers) {
    const std::string ours = fmt::format("layers.{}.", layer);
    const std::string theirs = fmt::format("model.layers.{}.{}.", layer, moe.section);
    add(blueprint, ours + "router.gate.weight", theirs + "gate.weight");
    for (const int64_t expert : all_layers(moe.experts))
      add_expert(blueprint, fmt::format("{}experts.{}", ours, expert), fmt::format("{}experts.{}", theirs, expert),
                 moe.names);
    if (moe.shared_hidden == 0) continue;
    add_expert(blueprint, ours + "shared.0", theirs + "shared_expert", {});
    add(blueprint, ours + "shared_gate.weight", theirs + "shared_expert_gate.weight");
  }
}

void add_sparse_layers(Blueprint& blueprint, const HfConfig& config, int64_t choices, int64_t shared_hidden) {
  const auto dense = config.list("mlp_only_layers");
  MoeLayers moe;
  moe.layers = layers_without(integer_of(blueprint.model, "layers"), dense);
  moe.experts = config.num_experts(config.has("num_experts") ? "num_experts" : "num_local_experts");
  moe.hidden = config.size("moe_intermediate_size");
  moe.router = {{"kind", "top_k"},
                {"k", config.size("num_experts_per_tok", choices)},
                {"weights", config.flag("norm_topk_prob", false) ? "renormalized" : "score"}};
  moe.shared_hidden = shared_hidden;
  add_moe_layers(blueprint, moe);
  add_dense_layers(blueprint, dense, config.size("intermediate_size"));
}

std::vector<int64_t> all_layers(int64_t count) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < count; ++i) all.push_back(i);
  return all;
}

std::vector<int64_t> layers_without(int64_t count, const std::vector<int64_t>& others) {
  auto rest = all_layers(count);
  std::erase_if(rest, [&](int64_t i) { return std::find(others.begin(), others.end(), i) != others.end(); });
  return rest;
}

Table llama_config(const std::string& type, const std::string& architecture, const Table& model,
                   const DataShape& data) {
  const int64_t heads = integer_of(model, "heads"), kv_heads = integer_of(model, "kv_heads");
  const int64_t head_width = integer_of(model, "head_width"), width = integer_of(model, "width");
  const int64_t context = integer_of(model, "context");
  Table config{{"architectures", Array{architecture}},
               {"model_type", type},
               {"vocab_size", data.vocabulary},
               {"max_position_embeddings", context > 0 ? context : data.length},
               {"hidden_size", width},
               {"num_hidden_layers", integer_of(model, "layers")},
               {"num_attention_heads", heads},
               {"num_key_value_heads", kv_heads > 0 ? kv_heads : heads},
               {"head_dim", head_width > 0 ? head_width : width / heads},
               {"hidden_act", "silu"},
               {"rms_norm_eps", *model.find("norm_eps")},
               {"rope_parameters", rope_parameters_of(model)},
               {"rope_theta", *model.find_path("rotary.theta")},
               {"tie_word_embeddings", flag_of(model, "tied")},
               {"use_cache", true}};
  // Who does not know rope_parameters reads how positions are stretched here.
  Table scaling = rope_parameters_of(model);
  scaling.erase("rope_theta");
  if (text_of(scaling, "rope_type") != "default") config.set("rope_scaling", std::move(scaling));
  return config;
}

void set_sparse_layers(Table& config, const Table& model) {
  const Table experts = first_of(model, "moe.experts");
  const auto sparse = integers_of(model, "moe.layers");
  std::vector<int64_t> dense;
  if (!sparse.empty()) dense = layers_without(integer_of(model, "layers"), sparse);
  config.set("num_experts", integer_of(experts, "count"));
  config.set("moe_intermediate_size", single_of(experts, "hidden"));
  config.set("num_experts_per_tok", integer_of(model, "moe.router.k"));
  config.set("norm_topk_prob", text_of(model, "moe.router.weights") == "renormalized");
  config.set("mlp_only_layers", layer_list(dense));
  config.set("decoder_sparse_step", 1);
  config.set("intermediate_size", std::max<int64_t>(1, single_of(model, "dense.hidden")));
}

int64_t integer_of(const Table& model, const std::string& path) {
  const Value* value = model.find_path(path);
  return value && value->if_integer() ? *value->if_integer() : 0;
}

std::vector<int64_t> integers_of(const Table& model, const std::string& path) {
  std::vector<int64_t> all;
  const Value* value = model.find_path(path);
  if (value && value->if_integer()) all.push_back(*value->if_integer());
  if (value == nullptr || value->if_array() == nullptr) return all;
  for (const Value& entry : *value->if_array()) {
    if (entry.if_integer()) all.push_back(*entry.if_integer());
  }
  return all;
}

bool flag_of(const Table& model, const std::string& path) {
  const Value* value = model.find_path(path);
  return value && value->if_flag() && *value->if_flag();
}

std::string text_of(const Table& model, const std::string& path) {
  const Value* value = model.find_path(path);
  return value && value->if_text() ? *value->if_text() : "";
}

Table first_of(const Table& model, const std::string& path) {
  const Value* list = model.find_path(path);
  const bool has = list && list->if_array() && !list->if_array()->empty() && list->if_array()->front().if_table();
  return has ? *list->if_array()->front().if_table() : Table();
}

int64_t single_of(const Table& model, const std::string& key) {
  const Value* value = model.find_path(key);
  if (value && value->if_array() && value->if_array()->size() == 1) value = &value->if_array()->front();
  return value && value->if_integer() ? *value->if_integer() : 0;
}

ImporterKind llama_importer(std::string summary, const std::string& type, Blueprint (*read)(const HfConfig&),
                            Table (*write)(const Table&, const DataShape&)) {
  return {std::move(summary),
          Schema(),
          "llama",
          [type](const Table& config) { return text_of(config, "model_type") == type; },
          [read](const Table& config, const std::string& where) { return read({config, where}); },
          write};
}

}  // namespace heterodyne
