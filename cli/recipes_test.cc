#include "cli/recipes.h"

#include <gtest/gtest.h>

#include "cli/conversion.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne::cli::recipes_test {
namespace {

TEST(Recipes, EveryOneIsSoundAndBeginsWithASentence) {
  ASSERT_FALSE(recipes().empty());
  for (const auto& [name, text] : recipes()) {
    EXPECT_TRUE(text.starts_with("# ")) << name;
    const Table config = read_config(name, {});
    if (is_conversion(config)) {
      EXPECT_NO_THROW(read_conversion(config)) << name;
      continue;
    }
    EXPECT_NO_THROW(checked_network(read_training(name, {}))) << name;
  }
}

TEST(Recipes, ThePublishedOnesHaveTheirNumbersOfParameters) {
  const auto params = [](const char* name) {
    return num_params(*make_network(read_experiment(read_config(name, {}))));
  };
  EXPECT_EQ(params("cifar10/dmmoe"), 357611);
  EXPECT_EQ(params("cifar10/homogeneous"), 290442);
  EXPECT_EQ(params("cifar10/dense_vit"), 291210);
}

TEST(Recipes, AFileGoesBeforeARecipeAndMayUseOneAsItsBase) {
  const fixtures::TemporaryFolder folder;
  const auto path = folder.put("my.toml", "name = \"mine\"\n[data]\nkind = \"synthetic\"\n[model]\nkind = \"mlp\"\n");
  EXPECT_EQ(*read_config(path, {}).find("name"), Value("mine"));
  EXPECT_EQ(*read_config("demo.toml", {}).find("name"), Value("demo"));
  EXPECT_EQ(*read_config("lm/../demo", {}).find("name"), Value("demo"));
}

TEST(Recipes, FlagsAreLaidOverTheConfiguration) {
  const auto experiment =
      read_experiment(read_config("demo", {{"train.epochs=2", "model.moe.experts.0.hidden=64"}, "9"}));
  EXPECT_EQ(experiment.options.seed, 9);
  EXPECT_EQ(experiment.options.train.epochs, 2);
}

TEST(Recipes, AnUnknownNameIsAnsweredWithTheNearest) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { read_config("cifar10/dmoe", {}); }),
            "cifar10/dmoe: no such file or recipe; nearest: \"cifar10/dmmoe\". All recipes: heterodyne ls recipes");
}

TEST(Recipes, WhatIsForAnotherVerbIsNamedSo) {
  const auto complaint = [](const std::string& name) {
    return fixtures::message_of<ConfigError>([&] { read_training(name, {}); });
  };
  EXPECT_EQ(complaint("convert/hemoe"),
            "convert/hemoe: is a conversion of a model: heterodyne convert run convert/hemoe");
  const fixtures::TemporaryFolder folder;
  const auto study = folder.put("s.toml", "name = \"s\"\nconfigs = [\"demo\"]\n");
  EXPECT_EQ(complaint(study), study + ": is a study of several runs: heterodyne sweep " + study);
}

TEST(Recipes, AFolderIsNoConfiguration) {
  const fixtures::TemporaryFolder folder;
  const auto complaint = [&] { return fixtures::message_of<ConfigError>([&] { read_config(folder.path(), {}); }); };
  EXPECT_EQ(complaint(), folder.path() + ": expected a configuration file or a recipe, got a folder");
  folder.put("resolved.toml", "");
  EXPECT_EQ(complaint(), folder.path() +
                             ": expected a configuration file or a recipe, got a folder. What the run was made "
                             "with: " +
                             folder.path() + "/resolved.toml");
}

}  // namespace
}  // namespace heterodyne::cli::recipes_test
