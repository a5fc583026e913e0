#include <c10/core/Allocator.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/fixtures.h"

namespace heterodyne::llama_test {
namespace {

std::shared_ptr<Network> model_of(Table settings, int64_t symbols = 11) {
  settings.set("kind", "llama");
  DataShape shape;
  shape.vocabulary = shape.num_classes = symbols;
  shape.length = 8;
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

Table small(Table more = {}) {
  Table settings{{"width", 8}, {"layers", 2}, {"heads", 2}, {"kv_heads", 1}};
  if (!more.contains("moe")) settings.set("dense", Table{{"kind", "swiglu"}, {"hidden", 12}});
  for (const auto& [key, value] : more.entries()) settings.set(key, value);
  return settings;
}

std::string refusal(const Table& settings) {
  return fixtures::message_of<ConfigError>([&] { model_of(settings); });
}

Batch batch_of(const torch::Tensor& ids) {
  Batch batch{ids, {}, {}, {}, {3, 5}};
  return batch;
}

// Each layer: two norms of 8, queries and outputs of 8 x 8, one head of keys and of values of 4 x 8, 3 x 8 x 12 of the
// feed-forward part. Then embedding and head of 11 x 8 and a norm of 8.
TEST(Llama, HasTheSizeWorkedByHand) {
  const int64_t layer = 2 * 8 + 2 * 64 + 2 * 32 + 3 * 96;
  EXPECT_EQ(num_params(*model_of(small())), 2 * layer + 2 * 88 + 8);
  EXPECT_EQ(num_params(*model_of(small({{"tied", true}}))), 2 * layer + 88 + 8);
  // In the second layer three experts of 3 x 8 x 5 and a router of 3 x 8 stand for the feed-forward part.
  const Table experts{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}};
  const Table moe{{"experts", Array{experts}}, {"layers", Array{1}}};
  const auto mixed = model_of(small({{"moe", moe}, {"dense", Table{{"kind", "swiglu"}, {"hidden", 12}}}}));
  EXPECT_EQ(num_params(*mixed), 2 * layer - 288 + 3 * 120 + 24 + 2 * 88 + 8);
  ASSERT_EQ(mixed->moe_layers().size(), 1U);
  EXPECT_EQ(mixed->moe_layers()[0]->layer_name(), "layers.1");
}

// Multiply-adds of a token: 192 of the projections, 2 x 8 for each of the 4.5 keys that are seen in a text of 8, 288 of
// the feed-forward part.
TEST(Llama, CostsWhatWasWorkedByHand) {
  EXPECT_EQ(even_cost(*model_of(small())).routed.macs, 2 * (192 + 16 * 4.5 + 288));
}

TEST(Llama, NoAnswerDependsOnLaterTokens) {
  const Table moe{{"experts", Array{Table{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}}}}};
  for (const auto& settings : {small(), small({{"moe", moe}})}) {
    const auto model = model_of(settings);
    EXPECT_TRUE(model->is_causal());
    const auto ids = torch::arange(16).remainder(11).view({2, 8});
    auto other = ids.clone();
    other.narrow(1, 5, 3).fill_(10);
    const auto a = model->forward(batch_of(ids), nullptr).logit_BY;
    const auto b = model->forward(batch_of(other), nullptr).logit_BY;
    EXPECT_TRUE(torch::allclose(a.narrow(1, 0, 5), b.narrow(1, 0, 5), 1e-5, 1e-6));
    EXPECT_FALSE(torch::allclose(a.narrow(1, 5, 3), b.narrow(1, 5, 3), 1e-5, 1e-6));
  }
}

// Experts that look at whole sequences find what came before, the chosen and the shared ones.
TEST(Llama, GoesOnAsIfTheTextWereReadAtOnce) {
  const torch::NoGradGuard no_grad;
  const Array row{Table{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}}},
      context{Table{{"kind", "lstm"}, {"count", 3}}};
  const std::vector<Table> all{Table{{"experts", row}}, Table{{"experts", context}},
                               Table{{"experts", row}, {"shared", Array{Table{{"kind", "lstm"}}}}}};
  for (size_t i = 0; i < all.size(); ++i) {
    const auto model = model_of(small({{"moe", all[i]}}));
    model->eval();
    const auto ids = torch::arange(200).remainder(11).view({2, 100});
    const auto whole = model->forward(batch_of(ids), nullptr).logit_BY;
    auto batch = batch_of(ids);
    batch.keeps_past = true;
    std::vector<torch::Tensor> parts;
    for (int64_t at = 0; at < 100;) {
      const int64_t count = at == 0 ? 70 : at == 90 ? 10 : 1;
      batch.inputs = ids.narrow(1, at, count);
      batch.first_position = at;
      auto output = model->forward(batch, nullptr);
      parts.push_back(output.logit_BY);
      batch.carry = std::move(output.carry);
      at += count;
    }
    EXPECT_TRUE(torch::allclose(torch::cat(parts, 1), whole, 1e-4, 1e-5)) << i;
  }
}

TEST(Llama, CarriesNothingUnlessAsked) {
  const auto model = model_of(small());
  auto batch = batch_of(torch::arange(16).remainder(11).view({2, 8}));
  EXPECT_TRUE(model->forward(batch, nullptr).carry.empty());
  batch.keeps_past = true;
  batch.carry = {torch::zeros({1})};
  EXPECT_THROW(model->forward(batch, nullptr), ShapeError);
}

TEST(Llama, RefusesWhatDoesNotFit) {
  const Table experts{{"kind", "mlp"}, {"count", 2}};
  EXPECT_EQ(refusal(small({{"width", 9}})), "[network.llama] heads: expected a divisor of width = 9, got 2");
  EXPECT_EQ(refusal(small({{"head_width", 3}})), "[network.llama] head_width: expected an even number, got 3");
  EXPECT_EQ(refusal(small({{"heads", 4}, {"kv_heads", 3}})),
            "[network.llama] kv_heads: expected a divisor of heads = 4, got 3");
  EXPECT_EQ(refusal(small({{"moe", Table{{"experts", Array{experts}}, {"layers", Array{2}}}}})),
            "[network.llama] moe.layers: expected indices below layers = 2, got 2");
  EXPECT_EQ(refusal(small({{"moe", Table{{"balancers", Array{Table{{"kind", "z_loss"}}}}}}})),
            "[network.llama] moe.balancers: has no effect while moe.experts = []; remove one of the two");
  EXPECT_EQ(refusal(small({{"dense", Table{{"kind", "vit_block"}, {"heads", 2}}}})),
            "[network.llama] dense.kind: expected an expert that looks at its own token alone, got \"vit_block\"");
  const Table choice{{"experts", Array{experts}}, {"router", Table{{"kind", "expert_choice"}}}};
  EXPECT_NE(refusal(small({{"moe", choice}})).find("is to predict: layers.0: router \"expert_choice\""),
            std::string::npos);
  EXPECT_FALSE(model_of(small({{"moe", choice}, {"allow_leak", true}}))->is_causal());
}

// Logits, losses and sums, then the gradient of every parameter.
std::vector<torch::Tensor> training_pass(Table settings, bool recompute, bool is_masked) {
  settings.set("recompute", recompute);
  const auto model = model_of(settings);
  model->train();
  auto batch = batch_of(torch::arange(16).remainder(11).view({2, 8}));
  if (is_masked) batch.mask_BS = torch::arange(16).view({2, 8}) < 14;
  RoutingLog log;
  auto output = model->forward(batch, &log);
  auto loss = output.logit_BY.square().mean();
  std::vector<torch::Tensor> all{output.logit_BY.detach()};
  for (const auto& [name, value] : output.losses) loss = loss + value, all.push_back(value.detach());
  for (const auto& sums : output.sums) {
    for (const auto& [name, value] : sums) all.push_back(value);
  }
  loss.backward();
  EXPECT_EQ(log.layers.size(), model->moe_layers().size()) << "what is routed is noted once";
  for (const auto& parameter : model->named_parameters())
    all.push_back(parameter.value().grad().defined() ? parameter.value().grad() : torch::zeros({0}));
  return all;
}

TEST(Llama, RecomputedGradientsAreTheSameToTheBit) {
  const Table experts{{"kind", "swiglu"}, {"count", 4}, {"hidden", 5}};
  const Table noisy{{"kind", "noisy_top_k"}, {"k", 2}}, balance{{"kind", "switch_loss"}, {"weight", 0.1}};
  const Table moe{{"experts", Array{experts}}, {"router", noisy}, {"balancers", Array{balance}}};
  Table one = moe;
  one.set("layers", Array{1});
  const Table lora{{"rank", 2}, {"targets", Array{"blocks.*.attention.*", "layers.0.w1"}}};
  for (const auto& settings :
       {small(), small({{"tied", true}, {"attention", Table{{"window", 3}, {"sinks", true}}}}), small({{"moe", moe}}),
        small({{"lora", lora}}), small({{"moe", one}, {"dense", Table{{"kind", "swiglu"}, {"hidden", 12}}}})}) {
    for (const bool is_masked : {false, true}) {
      const auto plain = training_pass(settings, false, is_masked), again = training_pass(settings, true, is_masked);
      ASSERT_EQ(plain.size(), again.size());
      for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(torch::equal(plain[i], again[i])) << i;
    }
  }
}

// Two sequences of 32 tokens of 16 features through three layers: recomputed, each layer keeps its input, and the head
// and the last norm keep a few values of each token.
TEST(Llama, RecomputedLayersKeepTheirInputsAlone) {
  const auto bytes_after_forward = [](bool recompute) {
    const auto model = model_of({{"width", 16},
                                 {"layers", 3},
                                 {"heads", 2},
                                 {"dense", Table{{"kind", "swiglu"}, {"hidden", 256}}},
                                 {"recompute", recompute}});
    const auto batch = batch_of(torch::arange(64).remainder(11).view({2, 32}));
    const auto bytes = std::make_shared<fixtures::HeldBytes>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, bytes);
    const auto output = model->forward(batch, nullptr);
    EXPECT_TRUE(output.logit_BY.requires_grad());
    return bytes->held();
  };
  const int64_t value = 64 * int64_t{sizeof(float)};           // of each token
  EXPECT_GE(bytes_after_forward(false), 3 * 3 * 256 * value);  // w1 x, its activation and w3 x of each layer at least
  EXPECT_LT(bytes_after_forward(true), (3 + 6) * 16 * value);
}

// What Hugging Face's transformers computed from the same weights; shared/data/golden_hf says how.
struct Golden {
  const char* folder;
  Table settings;
};

std::vector<Golden> goldens() {
  const Table dense{{"kind", "swiglu"}, {"hidden", 88}}, experts{{"kind", "swiglu"}, {"hidden", 88}, {"count", 5}};
  const Table stretched{
      {"theta", 500000.0}, {"factor", 32.0}, {"low_frequency", 1.0}, {"high_frequency", 4.0}, {"original_length", 64}};
  return {{"llama_mha_untied", {{"width", 48}, {"layers", 3}, {"heads", 4}, {"norm_eps", 1e-6}, {"dense", dense}}},
          {"llama_gqa_llama3_tied",
           {{"width", 48},
            {"layers", 3},
            {"heads", 6},
            {"kv_heads", 2},
            {"head_width", 16},
            {"tied", true},
            {"rotary", stretched},
            {"dense", dense}}},
          {"mixtral",
           {{"width", 48},
            {"layers", 2},
            {"heads", 4},
            {"kv_heads", 2},
            {"rotary", Table{{"theta", 1000000.0}}},
            {"moe", Table{{"experts", Array{experts}}}}}}};
}

// "model.layers.0.self_attn.q_proj.weight" to "blocks.0.attention.query.weight", and so on.
std::string our_name(std::string name) {
  const auto replace = [&](const std::string& from, const std::string& to) {
    const size_t place = name.find(from);
    if (place != std::string::npos) name.replace(place, from.size(), to);
    return place != std::string::npos;
  };
  replace("lm_head.", "head.");
  replace("model.", "");
  replace("embed_tokens.", "embedding.");
  bool in_block = false;
  for (const auto& [from, to] : {std::pair("input_layernorm", "attention_norm"),
                                 {"post_attention_layernorm", "feed_forward_norm"},
                                 {"self_attn.q_proj", "attention.query"},
                                 {"self_attn.k_proj", "attention.key"},
                                 {"self_attn.v_proj", "attention.value"},
                                 {"self_attn.o_proj", "attention.output"}})
    in_block = replace(from, to) || in_block;
  if (in_block) replace("layers.", "blocks.");
  replace("mlp.gate_proj", "w1"), replace("mlp.down_proj", "w2"), replace("mlp.up_proj", "w3");
  replace("block_sparse_moe.gate", "router.gate"), replace("block_sparse_moe.", "");
  return name;
}

std::shared_ptr<Network> golden_model(const Golden& golden, const std::string& folder) {
  const auto model = model_of(golden.settings, 131);
  const io::SafetensorsFile file(folder + "/model.safetensors");
  auto parameters = model->named_parameters();
  EXPECT_EQ(file.names().size(), parameters.size());
  const torch::NoGradGuard no_grad;
  for (const auto& name : file.names()) parameters[our_name(name)].copy_(file.tensor(name));
  model->eval();
  return model;
}

TEST(Llama, GivesTheLogitsOfTheReferenceLibrary) {
  const auto folder = fixtures::find_real_data("golden_hf");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  for (const auto& golden : goldens()) {
    const std::string path = *folder + "/" + golden.folder;
    const auto model = golden_model(golden, path);
    const io::SafetensorsFile expected(path + "/expected.safetensors");
    auto batch = batch_of(expected.tensor("input_ids"));
    batch.mask_BS = expected.tensor("attention_mask").to(torch::kBool);
    const auto logits = model->forward(batch, nullptr).logit_BY;
    const auto difference = (logits - expected.tensor("logits")).abs() * batch.mask_BS.unsqueeze(2);
    EXPECT_LT(difference.max().item<double>(), 1e-4) << golden.folder;
  }
}

// Greedily from the first prompt, each token read by itself with what was carried.
TEST(Llama, WritesTheTextOfTheReferenceLibrary) {
  const auto folder = fixtures::find_real_data("golden_hf");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const torch::NoGradGuard no_grad;
  for (const auto& golden : goldens()) {
    const std::string path = *folder + "/" + golden.folder;
    const auto model = golden_model(golden, path);
    const io::SafetensorsFile expected(path + "/expected.safetensors");
    const auto text = expected.tensor("generate.new_tokens")[0];
    auto batch = batch_of(expected.tensor("generate.input_ids").narrow(0, 0, 1));
    batch.keeps_past = true;
    for (int64_t i = 0; i < text.size(0); ++i) {
      auto output = model->forward(batch, nullptr);
      const auto best = output.logit_BY.select(1, -1).argmax(-1, true);
      ASSERT_EQ(best.item<int64_t>(), text[i].item<int64_t>()) << golden.folder << ", token " << i;
      batch.first_position += batch.inputs.size(1);
      batch.carry = std::move(output.carry);
      batch.inputs = best;
    }
  }
}

}  // namespace
}  // namespace heterodyne::llama_test
