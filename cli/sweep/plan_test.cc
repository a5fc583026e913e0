#include "cli/sweep/plan.h"

#include <gtest/gtest.h>

#include <functional>

#include "heterodyne/io/fixtures.h"

namespace heterodyne::cli::plan_test {
namespace {

using Texts = std::vector<std::string>;

SweepRequest of(Texts configs, std::vector<GridAxis> grid) {
  SweepRequest request;
  request.configs = std::move(configs);
  request.grid = std::move(grid);
  return request;
}

Texts folders_of(const SweepRequest& request) {
  Texts folders;
  for (const auto& run : plan_sweep(request)) folders.push_back(run.folder);
  return folders;
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseAxis, PartsValuesAtCommasOutsideOfBracketsAndQuotes) {
  EXPECT_EQ(parse_axis("seed=1,2,3").values, (Texts{"1", "2", "3"}));
  const auto axis = parse_axis("model.moe.router={ kind = \"a,b\", k = 1 },[1, 2],x");
  EXPECT_EQ(axis.path, "model.moe.router");
  EXPECT_EQ(axis.values, (Texts{"{ kind = \"a,b\", k = 1 }", "[1, 2]", "x"}));
}

TEST(ParseAxis, RefusesWhatIsNoListOfValues) {
  for (const char* text : {"seed", "=1", "seed=1,,2", "seed=", "k=[1,2", "k=\"a"})
    EXPECT_NE(error_of([&] { parse_axis(text); }).find("--grid " + std::string(text)), std::string::npos) << text;
}

TEST(Plan, HasEveryCombinationTheLastAxisFastest) {
  const auto runs = plan_sweep(of({"synthetic/dmmoe"}, {{"model.moe.router.k", {"1", "2"}}, {"seed", {"1", "2"}}}));
  ASSERT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs[1].folder, "synthetic-dmmoe-k-1-seed-2");
  EXPECT_EQ(runs[1].settings, (Texts{"model.moe.router.k=1", "seed=2", "name=synthetic-dmmoe-k-1"}));
  EXPECT_EQ(runs[1].experiment.options.seed, 2);
  EXPECT_EQ(runs[2].experiment.options.name, "synthetic-dmmoe-k-2") << "runs of one name differ in their seed alone";
}

TEST(Plan, TellsAxesOfTheSameKeyApart) {
  const auto folders = folders_of(
      of({"synthetic/dmmoe"}, {{"train.schedule.kind", {"constant", "cosine"}}, {"train.optimizer.kind", {"adamw"}}}));
  EXPECT_EQ(folders[0], "synthetic-dmmoe-schedule.kind-constant-optimizer.kind-adamw");
}

TEST(Plan, VariantsBringSettingsThatBelongTogether) {
  auto request = of({"synthetic/dmmoe"}, {{"seed", {"5"}}});
  request.variants = {{"wide", {"model.width=32", "train.epochs=1"}}, {"narrow", {"model.width=16"}}};
  request.flags.set = {"train.epochs=3"};
  const auto runs = plan_sweep(request);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].folder, "synthetic-dmmoe-wide-seed-5");
  EXPECT_EQ(runs[0].experiment.options.train.epochs, 1) << "a variant lies over what holds for all";
  EXPECT_EQ(runs[1].experiment.options.train.epochs, 3);
}

TEST(Plan, ValuesThatLookAlikeInANameGetAMark) {
  const auto runs =
      plan_sweep(of({"synthetic/dmmoe"}, {{"model.moe.experts.0.name", {"a b", "a+b"}}, {"seed", {"1"}}}));
  const std::string stem = "synthetic-dmmoe-name-a-b";
  EXPECT_EQ(runs[0].folder, stem + "-seed-1");
  EXPECT_EQ(runs[1].folder, runs[1].experiment.options.name + "-seed-1");
  EXPECT_EQ(runs[1].experiment.options.name.size(), stem.size() + 9) << runs[1].folder;
}

TEST(Plan, RefusesRunsThatResolveToTheSameSettings) {
  const auto twice = [](SweepRequest request) { return error_of([&] { plan_sweep(request); }); };
  EXPECT_EQ(twice(of({"synthetic/dmmoe"}, {{"seed", {"1", "1"}}})),
            "sweep: run synthetic-dmmoe-seed-1 is in the sweep twice: both resolve to the same settings");
  const std::string same = twice(of({"synthetic/dmmoe"}, {{"train.epochs", {"2", "2.0"}}}));
  EXPECT_NE(same.find("is run synthetic-dmmoe-epochs-2 again"), std::string::npos) << same;
  EXPECT_NE(twice(of({"synthetic/dmmoe", "synthetic/dmmoe"}, {})).find("twice"), std::string::npos);
}

TEST(Plan, RefusesUnknownKeysAndWrongValuesNamingTheRun) {
  const auto unknown = error_of([] { plan_sweep(of({"synthetic/dmmoe"}, {{"model.moe.router.kk", {"1"}}})); });
  EXPECT_NE(unknown.find("sweep: run synthetic-dmmoe-kk-1: "), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("unknown key \"kk\""), std::string::npos) << unknown;
  const auto too_many = error_of([] { plan_sweep(of({"synthetic/dmmoe"}, {{"model.moe.router.k", {"2", "63"}}})); });
  EXPECT_NE(too_many.find("run synthetic-dmmoe-k-63"), std::string::npos) << too_many;
  EXPECT_NE(error_of([] { plan_sweep(of({"synthetic/dmoe"}, {})); }).find("nearest"), std::string::npos);
}

TEST(Plan, RefusesASettingThatTheGridHasValuesFor) {
  auto request = of({"synthetic/dmmoe"}, {{"seed", {"1", "2"}}, {"train.epochs", {"3"}}});
  request.flags.seed = "7";
  EXPECT_EQ(error_of([&] { plan_sweep(request); }),
            "sweep: seed=7: the grid has values of its own for seed: 1, 2; expected --grid seed=7 in their place");
  request.flags.seed.clear();
  request.flags.set = {"train.epochs_of_another=1", "train.epochs=2"};
  EXPECT_NE(error_of([&] { plan_sweep(request); }).find("sweep: train.epochs=2: the grid has values"),
            std::string::npos);
}

TEST(Plan, AnAxisTakesThePlaceOfThatOfTheSamePath) {
  std::vector<GridAxis> grid{{"seed", {"1", "2"}}, {"k", {"1"}}};
  set_axis(grid, {"seed", {"3"}});
  set_axis(grid, {"width", {"8", "16"}});
  ASSERT_EQ(grid.size(), 3U);
  EXPECT_EQ(grid[0].values, Texts{"3"});
  EXPECT_EQ(grid[1].path, "k");
  EXPECT_EQ(grid[2].values, (Texts{"8", "16"}));
}

TEST(Plan, RefusesTwoConfigurationsOfOneName) {
  const fixtures::TemporaryFolder folder;
  const std::string other = folder.put(
      "other.toml", "name = \"synthetic-dmmoe\"\ndata = { kind = \"synthetic\" }\nmodel = { kind = \"mlp\" }\n");
  const auto error = error_of([&] { plan_sweep(of({"synthetic/dmmoe", other}, {})); });
  EXPECT_NE(error.find("are both called \"synthetic-dmmoe\""), std::string::npos) << error;
}

TEST(SweepFile, SaysConfigurationsGridAndVariants) {
  const fixtures::TemporaryFolder folder;
  folder.put("a.toml", "name = \"a\"\n");
  const std::string file = folder.put("mix.toml", R"(name = "mix"
configs = ["a.toml", "demo"]
set = "train.epochs=1"
[grid]
seed = [1, 2]
"model.moe.router" = [{ kind = "top_k", k = 2 }]
"train.optimizer.kind" = ["sgd"]
[variants]
one = ["model.width=8"]
)");
  EXPECT_TRUE(is_sweep_file(file));
  EXPECT_FALSE(is_sweep_file(folder / "a.toml"));
  EXPECT_FALSE(is_sweep_file("demo"));
  const auto request = read_sweep_file(file);
  EXPECT_EQ(request.name, "mix");
  EXPECT_EQ(request.configs, (Texts{folder / "a.toml", "demo"}));
  EXPECT_EQ(request.flags.set, (Texts{"train.epochs=1"}));
  ASSERT_EQ(request.grid.size(), 3U);
  EXPECT_EQ(request.grid[0].values, (Texts{"1", "2"}));
  EXPECT_EQ(request.grid[1].values, (Texts{"{ kind = \"top_k\", k = 2 }"}));
  EXPECT_EQ(request.grid[2].values, (Texts{"sgd"}));
  EXPECT_EQ(request.variants.at(0).settings, (Texts{"model.width=8"}));
}

TEST(SweepFile, RefusesWhatItDoesNotKnow) {
  const fixtures::TemporaryFolder folder;
  const auto says = [&](const std::string& text, const std::string& part) {
    const std::string file = folder.put("s.toml", text);
    const auto error = error_of([&] { read_sweep_file(file); });
    EXPECT_NE(error.find(part), std::string::npos) << error;
    EXPECT_NE(error.find("s.toml"), std::string::npos) << error;
  };
  says("name = \"x\"\nconfigs = [\"demo\"]\ngrids = 1\n", "unknown key \"grids\"");
  says("name = \"x\"\nconfigs = [\"demo\"]\ngrid = 1\n", "grid: expected a table");
  says("name = \"x\"\nconfigs = [\"demo\"]\n[grid]\nseed = 1\n", "seed: expected a list");
  says("name = \"x\"\nconfigs = [\"demo\"]\n[grid]\nseed = []\n", "seed: expected a value at least");
  says("name = \"x/y\"\nconfigs = [\"demo\"]\n", "name: expected letters");
  says("name = \"x\"\nconfigs = [\"demo\"]\n[variants]\n\"a b\" = [\"seed=1\"]\n", "expected names of letters");
}

}  // namespace
}  // namespace heterodyne::cli::plan_test
