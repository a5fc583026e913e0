#include "cli/bench/measure_model.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"

namespace heterodyne::cli::measure_model_test {
namespace {

Experiment experiment(const std::string& model) {
  return read_experiment(parse_toml(
      "name = \"x\"\n[data]\nkind = \"synthetic\"\nbatch = 8\nexamples = 40\nsize = 8\n[model]\n" + model, "x.toml"));
}

const std::string kDense = "kind = \"mlp\"\nhidden = [16]\n";
const std::string kMixed =
    "kind = \"mlp\"\nhidden = [16]\nmoe = { experts = [{ kind = \"mlp\", hidden = 8, count = 3 }] }\n";

TEST(MeasureModel, TimesStepsInTurns) {
  const auto dense = experiment(kDense), mixed = experiment(kMixed);
  InterleaveOptions options{3, 1};
  const auto bench = measure_models({{"dense", dense}, {"mixed", mixed}}, options);
  ASSERT_EQ(bench.models.size(), 2U);
  const auto& model = bench.models[1];
  EXPECT_EQ(model.name, "mixed");
  EXPECT_EQ(model.examples, 8);
  EXPECT_FALSE(model.is_text);
  EXPECT_EQ(model.timing.seconds.size(), 3U);
  EXPECT_GT(bench.machine.product, 0);
  EXPECT_GT(model.peak_bytes, 0);
  for (const auto* shares : {&model.phases, &model.parts}) {
    double sum = 0;
    for (const auto& [name, share] : *shares) sum += share;
    EXPECT_NEAR(sum, 1, 1e-6);
  }
  for (const char* name : {"forward", "backward", "optimizer", "data"}) EXPECT_GT(model.phases.at(name), 0) << name;
  for (const char* name : {"router", "experts", "losses", "optimizer"}) EXPECT_GT(model.parts.at(name), 0) << name;
}

TEST(MeasureModel, MultipliesInTheDtypeOfTheConfiguration) {
  const auto dense = experiment(kDense), rounded = experiment(kDense + "[train]\nlearning_dtype = \"bf16\"\n");
  InterleaveOptions options{2, 0};
  const auto models = measure_models({{"dense", dense}, {"rounded", rounded}}, options).models;
  EXPECT_NE(models[0].loss, models[1].loss);
  EXPECT_NEAR(models[0].loss, models[1].loss, 0.05);
}

TEST(MeasureModel, SharesOfAModelThatSitsOutTurns) {
  const auto dense = experiment(kDense);
  InterleaveOptions options{9, 0};  // three turns for the shares
  options.patience = 0, options.at_least = 1;
  const auto bench = measure_models({{"dense", dense}}, options);
  double sum = 0;
  for (const auto& [name, share] : bench.models[0].phases) sum += share;
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(MeasureModel, ReadsTheDataWhenItIsGivenThem) {
  const auto dense = experiment(kDense);
  const auto dataset = make_dataset(dense, {}, {});
  InterleaveOptions options{12, 0};  // more steps than an epoch has
  EXPECT_EQ(measure_models({{"dense", dense, dataset.get()}}, options).models[0].examples, 8);
}

TEST(MeasureModel, RandomTextIsLabelledWithWhatFollows) {
  auto text = read_experiment(parse_toml(
      "name = \"x\"\n[data]\nkind = \"text_lm\"\npath = \"nowhere\"\nvocabulary = 20\nbatch = 3\nlength = 7\n"
      "tokenizer = { kind = \"word\" }\n[model]\nkind = \"llama\"\nwidth = 8\nlayers = 1\nheads = 2\n",
      "x.toml"));
  const auto batch = random_batch(text);
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{3, 7}));
  EXPECT_TRUE(torch::equal(batch.inputs.narrow(1, 1, 6), batch.label_B.narrow(1, 0, 6)));
  EXPECT_LT(batch.inputs.max().item<int64_t>(), 20);
}

TEST(MeasureModel, RandomTextsOfClassesHaveAClassEach) {
  const auto texts = read_experiment(parse_toml(
      "name = \"x\"\n[data]\nkind = \"text_classes\"\npath = \"nowhere\"\ntest_path = \"nowhere\"\nbatch = 3\n"
      "length = 7\nclasses = [\"a\", \"b\"]\n[model]\nkind = \"dmmoe\"\nstem = \"symbols\"\nwidth = 8\n"
      "dense = \"mlp\"\nmoe = { layers = [] }\n",
      "x.toml"));
  const auto batch = random_batch(texts);
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{3, 7}));
  EXPECT_EQ(batch.label_B.sizes(), (std::vector<int64_t>{3}));
  EXPECT_LT(batch.label_B.max().item<int64_t>(), 2);
}

}  // namespace
}  // namespace heterodyne::cli::measure_model_test
