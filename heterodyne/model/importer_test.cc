// The promises of importer.h and foreign/transfer.h, kept by every kind.
#include "heterodyne/model/importer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"
#include "heterodyne/model/foreign/transfer.h"

namespace heterodyne::importer_test {
namespace {

// The smallest configuration of each kind.
std::map<std::string, Table> examples() {
  Table shared{{"vocab_size", 11},
               {"hidden_size", 8},
               {"num_hidden_layers", 2},
               {"num_attention_heads", 2},
               {"num_key_value_heads", 1},
               {"intermediate_size", 6},
               {"max_position_embeddings", 32},
               {"rms_norm_eps", 1e-5},
               {"rope_theta", 500.0},
               {"num_experts_per_tok", 2}};
  const auto with = [&](const std::string& type, const Table& more) {
    Table config = shared;
    config.set("model_type", type);
    for (const auto& [key, value] : more.entries()) config.set(key, value);
    return config;
  };
  return {
      {"bert", with("bert", {{"architectures", Array{"BertForSequenceClassification"}},
                             {"id2label", Table{{"0", "no"}, {"1", "yes"}, {"2", "other"}}}})},
      {"gpt_oss", with("gpt_oss", {{"num_local_experts", 3},
                                   {"sliding_window", 3},
                                   {"rope_scaling", Table{{"rope_type", "yarn"},
                                                          {"factor", 4.0},
                                                          {"truncate", false},
                                                          {"original_max_position_embeddings", 16}}}})},
      {"llama", with("llama", {{"tie_word_embeddings", true}, {"attention_bias", true}})},
      {"mixtral", with("mixtral", {{"num_local_experts", 3}, {"sliding_window", 4}})},
      {"mobilenet_v2",
       {{"model_type", "mobilenet_v2"},
        {"depth_multiplier", 0.1},
        {"image_size", 16},
        {"id2label", Table{{"0", "no"}, {"1", "yes"}}}}},
      {"olmoe", with("olmoe", {{"num_experts", 3}})},
      {"qwen2_moe", with("qwen2_moe", {{"num_experts", 3},
                                       {"moe_intermediate_size", 4},
                                       {"shared_expert_intermediate_size", 5},
                                       {"mlp_only_layers", Array{1}}})},
      {"qwen3_moe", with("qwen3_moe", {{"num_experts", 3}, {"moe_intermediate_size", 4}, {"norm_topk_prob", true}})},
      {"vit", with("vit", {{"image_size", 16}, {"patch_size", 8}, {"id2label", Table{{"0", "no"}, {"1", "yes"}}}})}};
}

std::shared_ptr<Network> network_of(const Blueprint& blueprint, uint64_t seed) {
  auto network = networks().make(Member(blueprint.model), NetworkContext{blueprint.data, seed});
  network->eval();
  return network;
}

torch::Tensor answer(Network& network, const DataShape& data) {
  Batch batch;
  batch.inputs = torch::arange(14).remainder(11).view({2, 7});
  if (!data.is_text()) batch.inputs = RandomStream("pictures").normal({1, 0}, {2, 3, 16, 16});
  return network.forward(batch, nullptr).logit_BY;
}

std::string written(const fixtures::TemporaryFolder& folder, const NamedTensors& tensors) {
  io::write_safetensors(folder / "model.safetensors", tensors);
  return folder.path();
}

class ImporterContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto all = examples();
    const auto found = all.find(GetParam());
    ASSERT_NE(found, all.end()) << "no example of this kind";
    blueprint_ = read_blueprint(found->second, "config.json");
    network_ = network_of(blueprint_, 1);
    Coverage coverage;
    tensors_ = foreign_tensors(*network_, blueprint_, torch::kFloat32, coverage);
    EXPECT_EQ(coverage.num_filled, static_cast<int64_t>(tensors_.size()));
  }

  std::string refusal() const {
    const fixtures::TemporaryFolder folder;
    const io::TensorFiles files(written(folder, tensors_));
    const auto other = network_of(blueprint_, 2);
    return fixtures::message_of<CheckError>([&] { fill_network(*other, blueprint_, files); });
  }

  Blueprint blueprint_;
  std::shared_ptr<Network> network_;
  NamedTensors tensors_;
};
INSTANTIATE_TEST_SUITE_P(Kinds, ImporterContract, testing::ValuesIn(importers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(ImporterContract, IsFoundByItsConfiguration) {
  EXPECT_EQ(importer_of(examples().at(GetParam())), GetParam());
  EXPECT_EQ(importers().find(GetParam()).network, *blueprint_.model.find("kind")->if_text());
}

TEST_P(ImporterContract, OutAndInAgainTheAnswersAreTheSame) {
  const fixtures::TemporaryFolder folder;
  const io::TensorFiles files(written(folder, tensors_));
  const auto other = network_of(blueprint_, 2);
  EXPECT_FALSE(torch::equal(answer(*other, blueprint_.data), answer(*network_, blueprint_.data)));
  const auto coverage = fill_network(*other, blueprint_, files);
  EXPECT_TRUE(torch::equal(answer(*other, blueprint_.data), answer(*network_, blueprint_.data)));
  EXPECT_EQ(coverage.num_used, static_cast<int64_t>(tensors_.size()));
  EXPECT_EQ(coverage.num_filled, coverage.num_target);
}

// Some ten tensors in turn: without it, under another name, of another shape.
TEST_P(ImporterContract, NoTensorMayBeMissingRenamedOrMisshapen) {
  const NamedTensors whole = tensors_;
  for (size_t i = 0; i < whole.size(); i += std::max<size_t>(1, whole.size() / 10)) {
    const auto& name = whole[i].first;
    SCOPED_TRACE(name);
    tensors_ = whole;
    tensors_.erase(tensors_.begin() + static_cast<int64_t>(i));
    const std::string without = refusal();
    EXPECT_NE(without.find(" 1 missing, 0 unused, 0 of another shape;"), std::string::npos) << without;
    EXPECT_NE(without.find("(first: " + name + " is missing)"), std::string::npos) << without;
    tensors_.emplace_back(name + "x", whole[i].second);
    EXPECT_NE(refusal().find(" 1 missing, 1 unused, 0 of another shape;"), std::string::npos);
    tensors_.back() = {name, torch::cat({whole[i].second, whole[i].second})};
    EXPECT_NE(refusal().find(" 0 missing, 0 unused, 1 of another shape;"), std::string::npos) << refusal();
  }
}

TEST_P(ImporterContract, WhatItWritesItReads) {
  const auto& kind = importers().find(GetParam());
  if (!kind.write) GTEST_SKIP() << "not written";
  // Every setting written out, as a checkpoint has them.
  Problems problems;
  const Place place{"model", "network." + kind.network, {}};
  const auto resolved = [&](const Table& model) { return networks().resolve(model, place, problems); };
  const Table config = kind.write(resolved(blueprint_.model), blueprint_.data);
  EXPECT_EQ(importer_of(config), GetParam());
  const Blueprint again = kind.read(config, "config.json");
  EXPECT_EQ(io::write_json(resolved(again.model), 1), io::write_json(resolved(blueprint_.model), 1));
  EXPECT_EQ(again.data.vocabulary, blueprint_.data.vocabulary);
  EXPECT_EQ(again.data.height, blueprint_.data.height);
  problems.throw_if_any();
}

TEST(Importer, AnUnknownModelIsRefusedWithWhatIsKnown) {
  const auto refusal = [](const Table& config) {
    return fixtures::message_of<FormatError>([&] { read_blueprint(config, "config.json"); });
  };
  EXPECT_NE(refusal({{"model_type", "rwkv"}}).find("config.json: model_type: expected one of "), std::string::npos);
  EXPECT_NE(refusal({{"model_type", "rwkv"}}).find("llama, mixtral, "), std::string::npos);
  EXPECT_NE(refusal({}).find("got none"), std::string::npos);
}

TEST(Importer, WhatTheNetworkHasNotIsRefused) {
  const auto refusal = [](const std::string& kind, const std::string& key, const Value& value) {
    Table config = examples().at(kind);
    config.set(key, value);
    return fixtures::message_of<FormatError>([&] { read_blueprint(config, "config.json"); });
  };
  EXPECT_EQ(refusal("llama", "hidden_act", "gelu"),
            "config.json: hidden_act: expected \"silu\", as nothing else is known here, got \"gelu\"");
  EXPECT_EQ(refusal("llama", "hidden_size", "8"),
            "config.json: hidden_size: expected a whole number of at least 1, got \"8\"");
  EXPECT_EQ(refusal("llama", "num_attention_heads", 3),
            "config.json: num_attention_heads: expected a divisor of hidden_size = 8, got 3");
  EXPECT_EQ(refusal("llama", "rope_scaling", Table{{"rope_type", "longrope"}, {"factor", 2.0}}),
            "config.json: rope_scaling: rope_type: expected default, llama3 or yarn, got \"longrope\"");
  EXPECT_EQ(refusal("olmoe", "clip_qkv", 8.0),
            "config.json: clip_qkv: expected null, as nothing else is known here, got 8.0");
}

}  // namespace
}  // namespace heterodyne::importer_test
