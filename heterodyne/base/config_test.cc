#include "heterodyne/base/config.h"

#include <gtest/gtest.h>

#include <map>

#include "heterodyne/base/fixtures.h"
namespace heterodyne::config_test {
namespace {

ReadText files(std::map<std::string, std::string> texts) {
  return [texts = std::move(texts)](const std::string& path) { return texts.at(path); };
}

TEST(Config, ParsesTomlWithPositionsInWrittenOrder) {
  const Table table = parse_toml("zoo = 1\n[model]\nwidth = 128\nb = [1, 2.5, \"x\"]\na = true\n", "my.toml");
  EXPECT_EQ(table.keys(), (std::vector<std::string>{"zoo", "model"}));
  const Table& model = *table.find("model")->if_table();
  EXPECT_EQ(model.keys(), (std::vector<std::string>{"width", "b", "a"}));
  EXPECT_EQ(model.find("width")->position().line, 3);
  EXPECT_EQ(model.find("width")->position().column, 9);
  EXPECT_EQ(model.find("b")->if_array()->size(), 3U);
}

TEST(Config, ASyntaxErrorNamesTheLine) {
  const auto message = fixtures::message_of<ConfigError>([] { parse_toml("a = 1\nb = = 2\n", "my.toml"); });
  EXPECT_TRUE(message.starts_with("my.toml:2:")) << message;
  EXPECT_NE(
      fixtures::message_of<ConfigError>([] { parse_toml("a = 2020-01-01\n", "my.toml"); }).find("dates and times"),
      std::string::npos);
}

TEST(Config, WrittenTomlReadsBackEqual) {
  const Table table = parse_toml(
      "name = \"a\\\"b\\nc\"\nrate = 1e-4\n[model]\nlayers = [0, 2]\n[[model.experts]]\nkind = "
      "\"mlp\"\n[[model.experts]]\nkind = \"cnn\"\n"
      "[model.experts.inner]\n\"odd key\" = true\n",
      "my.toml");
  EXPECT_EQ(parse_toml(write_toml(table), "again.toml"), table);
  EXPECT_EQ(parse_toml(write_toml(table, true), "again.toml"), table);
}

TEST(Config, WrittenSourcesSayWhereAValueCameFrom) {
  Table table = parse_toml("seed = 7\n", "my.toml");
  table.set("epochs", 5);
  set_from_text(table, "name=x");
  const std::string text = write_toml(table, true);
  EXPECT_NE(text.find("# my.toml:1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# default\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# --set name=x\n"), std::string::npos) << text;
}

TEST(Config, LaysAFileOverItsBase) {
  const auto read =
      files({{"c/a.toml", "base = \"b.toml\"\nseed = 2\n[model]\nwidth = 64\nrouter = { k = 1 }\nlayers = [0]\n"},
             {"c/b.toml",
              "seed = 1\nname = \"b\"\n[model]\nwidth = 32\ndepth = 3\nrouter = { kind = \"top_k\", k = 2 }\nlayers = "
              "[1, 2]\n"}});
  const Table table = load_config("c/a.toml", read);
  EXPECT_EQ(table, parse_toml("seed = 2\nname = \"b\"\n[model]\nwidth = 64\ndepth = 3\nrouter = { kind = \"top_k\", k "
                              "= 1 }\nlayers = [0]\n",
                              ""));
}

TEST(Config, ATableOfAnotherKindIsReplacedWhole) {
  Table table = parse_toml("router = { kind = \"top_k\", k = 2, noise = \"gumbel\" }\n", "");
  merge(table, parse_toml("router = { kind = \"random\", k = 1 }\n", ""));
  EXPECT_EQ(table, parse_toml("router = { kind = \"random\", k = 1 }\n", ""));
}

TEST(Config, ABaseOfABaseIsRefused) {
  const auto read = files({{"a.toml", "base = \"b.toml\"\n"}, {"b.toml", "base = \"c.toml\"\n"}});
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { load_config("a.toml", read); }),
            "b.toml:1:8: base: expected a file without a base of its own, it is the base of a.toml");
}

TEST(Config, SetReplacesAddsAndStepsIntoLists) {
  Table table = parse_toml("[model]\nexperts = [{ hidden = 1 }, { hidden = 2 }]\n", "");
  set_from_text(table, "model.experts.1.hidden=32");
  set_from_text(table, "train.optimizer.lr=1e-3");
  const Array& experts = *table.find("model")->if_table()->find("experts")->if_array();
  EXPECT_EQ(*experts[1].if_table()->find("hidden")->if_text(), "32");
  EXPECT_TRUE(experts[1].if_table()->find("hidden")->is_untyped());
  EXPECT_EQ(*table.find("train")->if_table()->find("optimizer")->if_table()->find("lr")->if_text(), "1e-3");
}

TEST(Config, ASetThatLeadsNowhereIsAnError) {
  Table table = parse_toml("seed = 1\n[model]\nexperts = [{ hidden = 1 }]\n", "");
  const Table before = table;
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { set_from_text(table, "seed"); }),
            "--set seed: expected PATH=VALUE, for example model.moe.router.k=1");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { set_from_text(table, "model.experts.3.hidden=1"); }),
            "--set model.experts.3.hidden=1: expected an index below 1, got 3");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { set_from_text(table, "seed.x=1"); }),
            "--set seed.x=1: expected a path of settings, but \"x\" leads into a whole number");
  EXPECT_EQ(table, before);
}

TEST(Config, AValueOfTheCommandLineIsTomlOrText) {
  EXPECT_EQ(parse_value("2", {}), Value(2));
  EXPECT_EQ(parse_value("[1, 2]", {}), Value(Array{1, 2}));
  EXPECT_EQ(parse_value("hello there", {}), Value("hello there"));
  EXPECT_EQ(parse_value("1\nb = 2", {}), Value("1\nb = 2"));
}

}  // namespace
}  // namespace heterodyne::config_test
