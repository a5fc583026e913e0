#include "heterodyne/model/foreign/peft.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"

namespace heterodyne::peft_test {
namespace {

const LoraSection kLora{2, 3, {"blocks.*.attention.*", "layers.0.w?"}, {}};

std::shared_ptr<Network> model_of(const LoraSection& lora) {
  const Array experts{Table{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}}};
  DataShape shape;
  shape.vocabulary = shape.num_classes = 11;
  shape.length = 8;
  return networks().make(Member(Table{{"kind", "llama"},
                                      {"width", 8},
                                      {"layers", 2},
                                      {"heads", 2},
                                      {"moe", Table{{"experts", experts}, {"layers", Array{1}}}},
                                      {"dense", Table{{"kind", "swiglu"}, {"hidden", 12}}},
                                      {"lora", settings_of(lora)}}),
                         NetworkContext{shape, 1});
}

TEST(Peft, TensorsHaveTheNamesOfPeft) {
  const fixtures::TemporaryFolder folder;
  write_peft(folder / "a", *model_of(kLora), kLora, "small");
  const io::SafetensorsFile file(folder / "a/adapter_model.safetensors");
  EXPECT_EQ(file.names().size(), 2U * (2 * 4 + 3));
  EXPECT_EQ(file.info("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight").sizes,
            (std::vector<int64_t>{2, 8}));
  EXPECT_EQ(file.info("base_model.model.model.layers.0.mlp.gate_proj.lora_B.weight").sizes,
            (std::vector<int64_t>{12, 2}));
  EXPECT_EQ(file.info("base_model.model.model.layers.0.mlp.down_proj.lora_A.weight").sizes,
            (std::vector<int64_t>{2, 12}));
  const std::string config = io::read_file(folder / "a/adapter_config.json");
  EXPECT_NE(config.find("\"lora_alpha\": 3.0"), std::string::npos) << config;
}

TEST(Peft, WhatLearnsBesideCorrectionsHasNoPlaceInAnAdapter) {
  const fixtures::TemporaryFolder folder;
  LoraSection lora = kLora;
  lora.trains = {"*.router.*"};
  const auto network = model_of(lora);
  const auto refused = fixtures::message_of<CheckError>([&] { write_peft(folder / "a", *network, lora, "small"); });
  EXPECT_EQ(refused.find("[export] layers.1.router.gate.weight learns too and has no place in an adapter"), 0U)
      << refused;
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
}

TEST(Peft, WhatIsNotKnownIsRefusedByName) {
  const fixtures::TemporaryFolder folder;
  const auto network = model_of(kLora);
  write_peft(folder / "a", *network, kLora, "small");
  const std::string file = folder / "a/adapter_config.json";
  const Table config = io::parse_json_table(io::read_file(file), file);
  const auto refusal = [&](const char* key, Value value) {
    Table changed = config;
    changed.set(key, std::move(value));
    io::write_file(file, io::write_json(changed));
    return fixtures::message_of<FormatError>([&] { read_peft(folder / "a"); }).substr(file.size());
  };
  EXPECT_EQ(refusal("use_dora", true), ": use_dora: expected none, got true");
  EXPECT_EQ(refusal("rank_pattern", Table{{"q_proj", 4}}), ": rank_pattern: expected none, got {\"q_proj\":4}");
  EXPECT_EQ(refusal("bias", "all"), ": bias: expected \"none\", got \"all\"");
  EXPECT_EQ(refusal("peft_type", "LOHA"), ": peft_type: expected \"LORA\", got \"LOHA\"");
  EXPECT_EQ(refusal("r", 0), ": r: expected at least 1, got 0");
  io::write_file(file, io::write_json(config));
  auto adapter = read_peft(folder / "a");
  adapter.tensors.pop_back();
  EXPECT_NE(fixtures::message_of<CheckError>([&] {
              fill_lora(*network, adapter);
            }).find("expected a tensor of the adapter, got none"),
            std::string::npos);
  adapter.tensors.emplace_back("blocks.7.attention.query.lora_a", torch::zeros({2, 8}));
  EXPECT_NE(
      fixtures::message_of<CheckError>([&] { fill_lora(*network, adapter); }).find("the base has no such projection"),
      std::string::npos);
}

}  // namespace
}  // namespace heterodyne::peft_test
