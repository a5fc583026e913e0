#include "heterodyne/train/hash_recipe.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::hash_recipe_test {
namespace {

const Array kExperts{Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 2}}};

TrainedModel model_of(const Table& data, const Table& network, const Vocabulary& vocabulary) {
  TrainedModel model;
  model.experiment = read_experiment({{"name", "small"}, {"data", data}, {"model", network}});
  model.experiment.vocabulary = vocabulary;
  model.network = make_network(model.experiment);
  return model;
}

TrainedModel text_model(const Table& moe) {
  return model_of({{"kind", "text_lm"}, {"path", "a.txt"}},
                  {{"kind", "lstm_lm"}, {"width", 2}, {"layers", 3}, {"moe", moe}}, {"a", "b", "c", "d", "e"});
}

// Symbols 0, 2 and 4 lie together, and 1 and 3.
TEST(HashRecipe, SendsSymbolsThatLieTogetherToOneExpert) {
  const auto model = text_model({{"experts", kExperts}, {"balancers", Array{Table{{"kind", "z_loss"}}}}});
  {
    const torch::NoGradGuard no_grad;
    model.network->named_parameters()["embedding.weight"].copy_(
        torch::tensor({{1.0F, 0.0F}, {0.0F, 5.0F}, {1.1F, 0.1F}, {0.1F, 5.0F}, {0.9F, 0.0F}}));
  }
  const Table config = hash_recipe(model, 1);
  EXPECT_EQ(*config.find_path("name")->if_text(), "small-hash");
  EXPECT_EQ(*config.find_path("model.moe.router"),
            Value(Table{{"kind", "hash"}, {"mode", "table"}, {"table", Array{0, 1, 0, 1, 0}}}));
  EXPECT_TRUE(config.find_path("model.moe.balancers")->if_array()->empty());
  EXPECT_EQ(*config.find_path("data.vocabulary")->if_integer(), 5);
  auto experiment = read_experiment(config);
  experiment.vocabulary = model.experiment.vocabulary;
  EXPECT_EQ(make_network(experiment)->moe_layers()[0]->router().max_choices(), 1);
}

TEST(HashRecipe, RefusesModelsWithoutSymbolsOrWithUnequalLayers) {
  const auto message = [](const TrainedModel& model) {
    return fixtures::message_of<ConfigError>([&] { hash_recipe(model, 1); });
  };
  EXPECT_EQ(message(model_of({{"kind", "synthetic"}}, {{"kind", "mlp"}, {"moe", Table{{"experts", kExperts}}}}, {})),
            "clusters of symbols: expected a model of text, got one of images");
  const Table other{{"experts", Array{Table{{"kind", "mlp"}, {"count", 3}}}}};
  EXPECT_EQ(message(text_model({{"experts", kExperts}, {"layer", Table{{"1", other}}}})),
            "clusters of symbols: expected equally many experts in each layer, got 2 and 3");
}

}  // namespace
}  // namespace heterodyne::hash_recipe_test
