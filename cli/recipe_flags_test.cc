#include "cli/recipe_flags.h"

#include <gtest/gtest.h>

#include "cli/parse.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::recipe_flags_test {
namespace {

using Words = std::vector<std::string>;

class RecipeFlags : public testing::Test {
 protected:
  const fixtures::TemporaryFolder folder_;
  const std::string config_ = folder_.put("my.toml", R"(name = "x"
[flags]
deep = ["model.layers=4", "model.moe.router={ kind = \"top_k\", k = 1 }"]
num_experts = "model.moe.experts.0.count"
k = "model.moe.router.k"
net = { small = ["model.width=32", "model.layers=1"], "*" = "model.moe.router={ kind = \"VALUE\" }" }
size = { one = "model.width=1" }
[data]
kind = "synthetic"
[model]
kind = "dmmoe"
)");
};

TEST_F(RecipeFlags, BecomeSettingsInTheOrderOfTheTable) {
  const auto line = expand_recipe_flags({"train", config_, "--k", "2", "--out", "o", "--num-experts=8", "--deep"});
  EXPECT_EQ(line.arguments,
            (Words{"train", "--set", "model.layers=4", "--set", "model.moe.router={ kind = \"top_k\", k = 1 }", "--set",
                   "model.moe.experts.0.count=8", "--set", "model.moe.router.k=2", config_, "--out", "o"}));
  ASSERT_EQ(line.used.size(), 3U);
  EXPECT_EQ(note_of(line.used[1]), "--num_experts 8 is model.moe.experts.0.count = 8");
}

TEST_F(RecipeFlags, OneMayMeanSomethingElseForEachValue) {
  const auto used = expand_recipe_flags({"train", config_, "--net", "small"}).used;
  EXPECT_EQ(used.at(0).settings, (Words{"model.width=32", "model.layers=1"}));
  EXPECT_EQ(note_of(used[0]), "--net small is model.width = 32, model.layers = 1");
  const auto other = expand_recipe_flags({"train", config_, "--net=switch"}).used;
  EXPECT_EQ(other.at(0).settings, (Words{"model.moe.router={ kind = \"switch\" }"}));
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { expand_recipe_flags({"train", config_, "--size", "on"}); }),
            "--size: expected one of one, got \"on\"; nearest: \"one\"");
}

TEST_F(RecipeFlags, OneMayStandForAnotherRecipe) {
  const auto other = folder_.put("other.toml", "base = \"my.toml\"\n[flags]\nbig = \"@demo\"\n");
  const auto line = expand_recipe_flags({"train", other, "--big", "--out", "o"});
  EXPECT_EQ(line.arguments, (Words{"train", "demo", "--out", "o"}));
  EXPECT_EQ(note_of(line.used.at(0)), "--big is the recipe = demo");
}

TEST_F(RecipeFlags, TheVerbsOwnFlagsAndOtherVerbsAreLeftAlone) {
  const Words own{"train", config_, "--seed", "3", "--unknown", "4"};
  EXPECT_EQ(expand_recipe_flags(own).arguments, own);
  const Words other{"eval", "runs/x", "--k", "3"};
  EXPECT_EQ(expand_recipe_flags(other).arguments, other);
  EXPECT_TRUE(expand_recipe_flags({}).arguments.empty());
}

TEST_F(RecipeFlags, ValuesThatAreMissingOrTooMuchAreNamed) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { expand_recipe_flags({"train", config_, "--k"}); }),
            "train: --k: expected a value");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { expand_recipe_flags({"train", config_, "--deep=1"}); }),
            "train: --deep: expected no value, it is a switch");
}

TEST_F(RecipeFlags, AnUnknownFlagGetsTheNearestOfBothLists) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { parse_line({"train", config_, "--num_expert", "3"}); }),
            "train: unknown flag --num_expert; nearest: --num_experts. See heterodyne train --help");
}

TEST_F(RecipeFlags, AreInTheHelpOfTheVerbWithTheConfiguration) {
  const auto answer = parse_line({"train", config_, "--help"}).answer;
  EXPECT_NE(answer.find("  --num_experts VALUE         model.moe.experts.0.count"), std::string::npos) << answer;
  EXPECT_EQ(parse_line({"train", "--help"}).answer.find("Flags of this configuration"), std::string::npos);
}

TEST_F(RecipeFlags, AreBlamedForErrorsAboutWhatTheySet) {
  const auto used = expand_recipe_flags({"train", config_, "--k", "9", "--num_experts", "4"}).used;
  EXPECT_EQ(blame("[model.moe.router] k: expected at most num_experts = 4, got 9", used), " (set by --k 9)");
  EXPECT_EQ(blame("[data] batch: expected >= 1", used), "");
}

}  // namespace
}  // namespace heterodyne::cli::recipe_flags_test
