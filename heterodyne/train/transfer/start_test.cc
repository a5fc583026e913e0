#include "heterodyne/train/transfer/start.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::start_test {
namespace {

using Values = std::map<std::string, torch::Tensor>;

Values values_of(const Network& network) {
  Values values;
  for (const auto& [name, tensor] : state_of(network)) values[name] = tensor.clone();
  return values;
}

// Of a small run with these settings, none of whose values is what its configuration draws.
TrainedModel saved(const fixtures::TemporaryFolder& folder, const std::vector<std::string>& settings = {},
                   const std::function<void(Network&)>& change = {}) {
  const auto experiment = fixtures::small_experiment(settings);
  auto network = make_network(experiment);
  if (change) change(*network);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->parameters()) parameter.add_(1);
  }
  const auto optimizer = optimizers().make(experiment.options.train.optimizer);
  save_checkpoint(folder / "step-00000007", *network, *optimizer, TrainState{7, 1, 1, 7, 0, {}, {}, {}}, experiment);
  return load_model(folder / "step-00000007");
}

StartOptions options_of(std::vector<std::string> take, std::vector<std::string> leave = {}) {
  return {"x", std::move(take), std::move(leave)};
}

// What is taken and nothing else is as in the source.
void expect_taken(const Values& now, const Values& first, const Values& source, const StartReport& report) {
  EXPECT_EQ(report.taken.size() + report.kept.size(), now.size());
  for (const auto& name : report.taken) EXPECT_TRUE(torch::equal(now.at(name), source.at(name))) << name;
  for (const auto& name : report.kept) EXPECT_TRUE(torch::equal(now.at(name), first.at(name))) << name;
}

TEST(Start, TakesTheExpertsAlone) {
  const fixtures::TemporaryFolder folder;
  const auto source = saved(folder);
  const auto network = make_network(fixtures::small_experiment({"seed=9"}));
  const auto first = values_of(*network);
  const auto report = start_from(*network, options_of({"layers.*.experts.*"}), source);
  expect_taken(values_of(*network), first, values_of(*source.network), report);
  for (const auto& name : report.taken) EXPECT_TRUE(name.starts_with("layers.0.experts.")) << name;
  for (const auto& name : report.kept) EXPECT_FALSE(name.starts_with("layers.0.experts.")) << name;
  EXPECT_EQ(report.step, 7);
  EXPECT_GT(report.num_taken_values, 0);
  EXPECT_LT(report.num_taken_values, report.num_values);
}

// Fifteen classes instead of three: the head differs, and stays.
TEST(Start, TakesAllButTheHead) {
  const fixtures::TemporaryFolder folder;
  const auto source = saved(folder);
  const auto network = make_network(fixtures::small_experiment({"seed=9", "data.classes=15"}));
  const auto first = values_of(*network);
  const auto report = start_from(*network, options_of({"*"}, {"head.*"}), source);
  expect_taken(values_of(*network), first, values_of(*source.network), report);
  EXPECT_EQ(report.kept, (std::vector<std::string>{"head.weight", "head.bias"}));
  EXPECT_NE(report.text().find("; at their first values: head.weight, head.bias"), std::string::npos) << report.text();
  EXPECT_EQ(report.table().find("kept")->if_array()->size(), 2U);
}

TEST(Start, ADifferentBackboneIsNamedByItsFirstTensor) {
  const fixtures::TemporaryFolder folder;
  const auto source = saved(folder, {"model.width=24"});
  const auto network = make_network(fixtures::small_experiment());
  const auto first = values_of(*network);
  const auto message =
      fixtures::message_of<FormatError>([&] { start_from(*network, options_of({"*"}, {"head.*"}), source); });
  EXPECT_NE(message.find("stem.conv.weight: expected [16, 1, 8, 8], got [24, 1, 8, 8]"), std::string::npos) << message;
  EXPECT_NE(message.find("tensors to be taken over differ from the network's, first"), std::string::npos) << message;
  const auto now = values_of(*network);
  for (const auto& [name, value] : first) EXPECT_TRUE(torch::equal(value, now.at(name))) << name;  // nothing was taken
}

TEST(Start, AnotherKindOfNetworkHasNoneOfTheNames) {
  const fixtures::TemporaryFolder folder;
  const auto source = saved(folder);
  const auto network = make_network(fixtures::small_experiment({"model.layers=2"}));
  const auto message =
      fixtures::message_of<FormatError>([&] { start_from(*network, options_of({"layers.1.*"}), source); });
  EXPECT_NE(message.find("layers.1."), std::string::npos) << message;
  EXPECT_NE(message.find("got none of that name"), std::string::npos) << message;
}

// A LLaMA of which a source has no corrections: they begin as they do, all else is the source's.
TEST(Start, CorrectionsOfLowRankThatTheSourceHasNotKeepTheirFirstValues) {
  const auto of = [](const std::string& more) {
    const std::string text =
        "name = \"x\"\ndata = { kind = \"text_lm\", path = \"nowhere\", length = 8, tokenizer = { kind = \"byte\" } }\n"
        "[model]\nkind = \"llama\"\nwidth = 8\nlayers = 1\nheads = 2\n";
    return read_experiment(parse_toml(text + more, "x.toml"));
  };
  const auto lora = of("lora = { rank = 2 }\n");
  TrainedModel source{of(""), {}, make_network(of(""))};
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : source.network->parameters()) parameter.add_(1);
  }
  const auto network = make_network(lora);
  const auto first = values_of(*network);
  const auto report = start_from(*network, options_of({"*"}), source);
  expect_taken(values_of(*network), first, values_of(*source.network), report);
  EXPECT_EQ(report.kept.size(), 8U) << "two of each of the attention's four projections";
  for (const auto& name : report.kept) EXPECT_NE(name.find(".lora_"), std::string::npos) << name;
  // And those that it has are taken.
  const TrainedModel tuned{lora, {}, network};
  EXPECT_TRUE(start_from(*make_network(lora), options_of({"*"}), tuned).kept.empty());
}

TEST(Start, PatternsThatFitNothingAreRefused) {
  const auto network = make_network(fixtures::small_experiment());
  const auto complaint = [&](const StartOptions& options) {
    return fixtures::message_of<ConfigError>([&] { check_start(options, *network); });
  };
  EXPECT_NE(
      complaint(options_of({"heads.*"}))
          .find("[train] start.take: expected names of the network's tensors with '*' for any text, got \"heads.*\""),
      std::string::npos);
  EXPECT_NE(complaint(options_of({"*"}, {"heads.*"})).find("[train] start.leave: "), std::string::npos);
  EXPECT_NE(complaint(options_of({"head.*"}, {"*"})).find("got all"), std::string::npos);
}

// The source's layer lost expert 1 and has a new one with id 4.
TEST(Start, ALayerThatGrewComesWithItsExperts) {
  const fixtures::TemporaryFolder folder;
  const auto source = saved(folder, {}, [](Network& network) {
    add_expert(*network.moe_layers()[0], {0});
    remove_expert(*network.moe_layers()[0], 1);
  });
  const auto network = make_network(fixtures::small_experiment({"seed=9"}));
  const auto report = start_from(*network, options_of({"layers.*"}), source);
  EXPECT_EQ(network->moe_layers()[0]->ids(), source.network->moe_layers()[0]->ids());
  EXPECT_EQ(network->moe_layers()[0]->ids(), (std::vector<int64_t>{0, 4, 2, 3}));
  const auto left = make_network(fixtures::small_experiment({"seed=9"}));
  start_from(*left, options_of({"stem.*"}), source);
  EXPECT_EQ(left->moe_layers()[0]->ids(), (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(Start, WithoutASourceThereIsNone) {
  EXPECT_FALSE(start_source(fixtures::small_experiment()).has_value());
  EXPECT_NE(fixtures::message_of<ConfigError>([] {
              fixtures::small_experiment({"train.start.leave=[\"head.*\"]"});
            }).find("has no effect while from is not set"),
            std::string::npos);
  const auto lost = fixtures::small_experiment({"train.start.from=/no/such/run"});
  EXPECT_THROW(start_source(lost), FormatError);
}

// Twelve texts of two classes for training; words that the other set does not have.
Experiment texts(const fixtures::TemporaryFolder& folder, const std::string& words, const std::string& more = "") {
  std::string lines;
  for (int i = 0; i < 12; ++i) lines += (i % 2 == 0 ? "a," : "b,") + words + "\n";
  const std::string path = folder.put(words + ".csv", lines);
  return read_experiment(parse_toml(
      "name = \"t\"\n[data]\nkind = \"text_classes\"\npath = \"" + path + "\"\ntest_path = \"" + path +
          "\"\nclasses = [\"a\", \"b\"]\nbatch = 2\n[model]\nkind = \"dmmoe\"\nstem = \"symbols\"\nwidth = 8\n"
          "dense = \"mlp\"\nmoe = { layers = [] }\n[train]\nepochs = 1\n" +
          more,
      "t.toml"));
}

TEST(Start, AnEmbeddingThatIsTakenBringsItsVocabulary) {
  const fixtures::TemporaryFolder folder;
  auto before = texts(folder, "old words");
  take_vocabulary(before, *make_dataset(before, {}, {}));
  const auto optimizer = optimizers().make(before.options.train.optimizer);
  const auto path = folder / "step-00000001";
  save_checkpoint(path, *make_network(before), *optimizer, TrainState{1, 1, 1, 1, 0, {}, {}, {}}, before);
  const auto vocabulary_with = [&](const std::string& patterns) {
    auto now = texts(folder, "new", "start = { from = \"" + path + "\", " + patterns + " }\n");
    const auto source = start_source(now);
    take_start_vocabulary(now, *source);
    take_vocabulary(now, *make_dataset(now, {}, {}));
    return now.vocabulary;
  };
  EXPECT_EQ(vocabulary_with("leave = [\"head.*\"]"), (Vocabulary{"<unk>", "<eos>", "old", "words"}));
  EXPECT_EQ(vocabulary_with("take = [\"layers.*\"]"), (Vocabulary{"<unk>", "<eos>", "new"}));
}

}  // namespace
}  // namespace heterodyne::start_test
