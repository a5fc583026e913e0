#include "heterodyne/model/foreign/llama_family.h"

#include <gtest/gtest.h>

namespace heterodyne::llama_family_test {
namespace {

using Layers = std::vector<int64_t>;

const Table kLlama{{"model_type", "llama"},         {"vocab_size", 11},         {"hidden_size", 8},
                   {"num_hidden_layers", 2},        {"num_attention_heads", 2}, {"intermediate_size", 6},
                   {"max_position_embeddings", 32}, {"rope_theta", 500.0}};

TEST(LlamaFamily, BothStylesOfPositionsAreRead) {
  Table old = kLlama, fresh = old;
  fresh.erase("rope_theta");
  const Table scaling{{"rope_type", "llama3"},
                      {"factor", 8.0},
                      {"low_freq_factor", 1.0},
                      {"high_freq_factor", 4.0},
                      {"original_max_position_embeddings", 16}};
  old.set("rope_scaling", scaling);
  Table both = scaling;
  both.set("rope_theta", 500.0);
  fresh.set("rope_parameters", both);
  const Blueprint one = llama_blueprint({old, "a"}), other = llama_blueprint({fresh, "b"});
  EXPECT_EQ(one.model, other.model);
  EXPECT_EQ(*one.model.find_path("rotary.factor"), Value(8.0));
  EXPECT_EQ(*one.model.find_path("rotary.theta"), Value(500.0));
  const Table written = llama_config("llama", "LlamaForCausalLM", one.model, one.data);
  EXPECT_EQ(*written.find("rope_scaling"), Value(scaling));
  EXPECT_EQ(*written.find("rope_parameters")->if_table()->find("rope_theta"), Value(500.0));
  EXPECT_FALSE(llama_config("llama", "LlamaForCausalLM", llama_blueprint({kLlama, "c"}).model, one.data)
                   .contains("rope_scaling"));
}

// Outside the feed-forward parts: two matrices and a norm, and for each layer two norms and four projections.
TEST(LlamaFamily, NamesEveryTensor) {
  Blueprint blueprint = llama_blueprint({kLlama, "config.json"});
  EXPECT_EQ(blueprint.tensors.size(), 3U + 2 * 6);
  EXPECT_EQ(blueprint.tensors[2].theirs[0], "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(blueprint.tensors[2].ours[0], "blocks.0.attention.query.weight");
  add_dense_layers(blueprint, {1}, 6);
  EXPECT_EQ(blueprint.tensors.back().ours[0], "layers.1.w3.weight");
  EXPECT_EQ(blueprint.tensors.back().theirs[0], "model.layers.1.mlp.up_proj.weight");
  MoeLayers moe;
  moe.layers = {0};
  moe.experts = 2;
  moe.hidden = 3;
  moe.shared_hidden = 4;
  moe.router = {{"kind", "top_k"}, {"k", 1}};
  add_moe_layers(blueprint, moe);
  EXPECT_EQ(blueprint.tensors.size(), 3U + 12 + 3 + 1 + 6 + 3 + 1);
  EXPECT_EQ(blueprint.tensors.back().theirs[0], "model.layers.0.mlp.shared_expert_gate.weight");
  EXPECT_EQ(*blueprint.model.find_path("moe.layers"), Value(Array{0}));
}

TEST(LlamaFamily, CountsLayers) {
  EXPECT_EQ(all_layers(3), (Layers{0, 1, 2}));
  EXPECT_EQ(layers_without(3, {1}), (Layers{0, 2}));
  const Table model{{"hidden", Array{5}}, {"moe", Table{{"experts", Array{Table{{"count", 2}}}}}}};
  EXPECT_EQ(single_of(model, "hidden"), 5);
  EXPECT_EQ(integer_of(first_of(model, "moe.experts"), "count"), 2);
  EXPECT_EQ(single_of({{"hidden", Array{5, 6}}}, "hidden"), 0);
  EXPECT_EQ(integers_of({{"a", Table{{"b", Array{5, 6}}}}}, "a.b"), (Layers{5, 6}));
  EXPECT_EQ(integers_of({{"a", 5}}, "a"), (Layers{5}));
}

}  // namespace
}  // namespace heterodyne::llama_family_test
