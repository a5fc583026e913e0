#include "heterodyne/train/experiment.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/fixtures.h"

namespace heterodyne::experiment_test {
namespace {

std::string complaint(const std::string& toml) {
  return fixtures::message_of<ConfigError>([&] { read_experiment(parse_toml(toml, "my.toml")); });
}

constexpr const char* kData = "[data]\nkind = \"synthetic\"\n[model]\nkind = \"mlp\"\n";

TEST(Experiment, FillsInEveryDefault) {
  const auto experiment = read_experiment(parse_toml(std::string("name = \"x\"\n") + kData, "my.toml"));
  EXPECT_EQ(*experiment.resolved.find_path("data.batch"), Value(128));
  EXPECT_EQ(*experiment.resolved.find_path("train.optimizer.kind"), Value("adamw"));
  EXPECT_EQ(*experiment.resolved.find_path("train.optimizer.lr"), Value(1e-3));
  EXPECT_EQ(read_experiment(experiment.resolved).resolved, experiment.resolved);
}

TEST(Experiment, NamesEveryMistakeAtOnce) {
  const auto message = complaint(
      "name = \"x\"\n[data]\nkind = \"synthetic\"\nbatch = 0\n[model]\nkind = \"mlpp\"\n[train]\nepoch = 3\n");
  EXPECT_NE(message.find("my.toml:4:9: [data] batch: expected >= 1, got 0"), std::string::npos) << message;
  EXPECT_NE(message.find("my.toml:6:8: [model] kind: expected one of " + join(networks().names()) +
                         ", got \"mlpp\"; nearest: \"mlp\""),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("my.toml:8:9: [train] unknown key \"epoch\"; nearest: \"epochs\""), std::string::npos)
      << message;
}

TEST(Experiment, ANameIsNoPath) {
  EXPECT_EQ(complaint(std::string("name = \"../x\"\n") + kData),
            "my.toml:1:8: name: expected letters, digits, '-', '_' and '.', not beginning with '.', got \"../x\"");
  EXPECT_NE(complaint(kData).find("name: required, it is missing"), std::string::npos);
}

TEST(Experiment, MakesItsDataAndNetwork) {
  const auto experiment = fixtures::small_experiment();
  const auto dataset = make_dataset(experiment, {}, {});
  EXPECT_EQ(dataset->size(Split::kTrain), 240);
  EXPECT_EQ(dataset->size(Split::kValid), 60);
  EXPECT_EQ(nominal_train_size(experiment), 240);
  const auto network = make_network(experiment);
  EXPECT_TRUE(network->is_training());
  EXPECT_EQ(network->parameters()[0].scalar_type(), torch::kFloat32);
  EXPECT_EQ(make_network(fixtures::small_experiment({"train.dtype=float64"}))->parameters()[0].scalar_type(),
            torch::kFloat64);
  EXPECT_TRUE(loader_options(experiment, Split::kTrain).shuffle);
  EXPECT_FALSE(loader_options(experiment, Split::kValid).shuffle);
  EXPECT_EQ(loader_options(experiment, Split::kTrain).batch, 40);
}

// 300 images of which 60 are validated.
TEST(Experiment, TakesSoManyExamplesOfEachClass) {
  const auto experiment = fixtures::small_experiment({"data.per_class=5"});
  const auto dataset = make_dataset(experiment, {}, {});
  const auto count_Y = dataset->labels(Split::kTrain).bincount();
  EXPECT_TRUE((count_Y == 5).all().item<bool>()) << count_Y;
  EXPECT_EQ(dataset->size(Split::kValid), 60);
  EXPECT_EQ(nominal_train_size(experiment), dataset->size(Split::kTrain));
  EXPECT_NE(
      complaint(std::string("name = \"x\"\n[data]\nkind = \"synthetic\"\nper_class_seed = 2\n[model]\nkind = \"mlp\""))
          .find("per_class_seed: has no effect"),
      std::string::npos);
}

TEST(Experiment, MayNameKindsOfTheProgramsOwn) {
  RouterRegistry my_routers = routers();
  my_routers.add("mine", routers().find("round_robin"));
  DatasetRegistry my_datasets = datasets();
  my_datasets.add("mine", datasets().find("synthetic"));
  const Table config = parse_toml(
      "name = 'x'\ndata = { kind = 'mine', size = 8 }\n[model]\nkind = 'dmmoe'\npatch = 4\n"
      "moe.router.kind = 'mine'\nmoe.experts = [{ kind = 'mlp', count = 2 }]\n",
      "my.toml");
  const auto experiment = read_experiment(config, Families().with(my_routers).with(my_datasets));
  EXPECT_EQ(*experiment.resolved.find_path("model.moe.router.k"), Value(2));
  EXPECT_EQ(make_network(experiment)->moe_layers()[0]->router().max_choices(), 2);
  EXPECT_EQ(make_dataset(experiment, {}, {})->size(Split::kTrain), nominal_train_size(experiment));
  const auto message = fixtures::message_of<ConfigError>([&] { read_experiment(config); });
  EXPECT_NE(message.find("[model.moe.router] kind: expected one of"), std::string::npos) << message;
}

TEST(Experiment, EqualSeedsGiveEqualNetworks) {
  const auto a = make_network(fixtures::small_experiment()), b = make_network(fixtures::small_experiment()),
             c = make_network(fixtures::small_experiment({"seed=4"}));
  for (size_t i = 0; i < a->parameters().size(); ++i) EXPECT_TRUE(torch::equal(a->parameters()[i], b->parameters()[i]));
  EXPECT_FALSE(torch::equal(a->parameters()[0], c->parameters()[0]));
}

TEST(Experiment, AResumedRunMayChangeItsLengthOnly) {
  const auto conflict = [](const std::vector<std::string>& settings) {
    return resume_conflict(fixtures::small_experiment().resolved, fixtures::small_experiment(settings).resolved);
  };
  EXPECT_EQ(conflict({}), "");
  EXPECT_EQ(conflict({"train.epochs=9", "train.log_every=1", "train.tensorboard=false", "train.checkpoint.keep=1"}),
            "");
  EXPECT_EQ(conflict({"model.width=32"}), "model.width was 16, is 32 now");
  EXPECT_EQ(conflict({"seed=5"}), "seed was 3, is 5 now");
  EXPECT_EQ(conflict({"train.optimizer.lr=1"}), "train.optimizer.lr was 0.002, is 1.0 now");
  EXPECT_EQ(conflict({"model.moe.router={kind=\"random\"}"}), "model.moe.router.kind was \"top_k\", is \"random\" now");
}

TEST(TokenizerOf, IsOfModelsOfTextAlone) {
  const auto experiment =
      read_experiment({{"name", "x"}, {"data", Table{{"kind", "synthetic"}}}, {"model", Table{{"kind", "mlp"}}}});
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { tokenizer_of(experiment); }),
            "[model] data.kind: expected a model of text, got one of \"synthetic\"");
}

}  // namespace
}  // namespace heterodyne::experiment_test
