#include "heterodyne/base/fields.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/registry.h"

namespace heterodyne::fields_test {
namespace {

struct Inner {
  double lr = 1e-3;
  void visit(Fields& field) { field("lr", lr, "learning rate", more_than(0)); }
};

struct Shape {
  int64_t sides;
};
struct ShapeKind {
  std::string summary;
  Schema schema;
  std::function<Shape(const Table&, const Place&)> make;
};

struct PolygonOptions {
  int64_t sides = 3;
  void visit(Fields& field) { field("sides", sides, "corners", between(3, 12)); }
};

struct GroupOptions {
  int64_t count = 1;
  void visit(Fields& field) { field("count", count, "copies", at_least(1)); }
};

const Registry<ShapeKind>& shapes() {
  static const Registry<ShapeKind> registry = [] {
    Registry<ShapeKind> all("shape", Schema::of<GroupOptions>());
    all.add("polygon", {"many corners", Schema::of<PolygonOptions>(), [](const Table& table, const Place& place) {
                          const auto options = read_options<PolygonOptions>(table, place);
                          if (options.sides == 7)
                            throw ConfigError("shape.polygon", "sides", "expected anything but 7");
                          return Shape{options.sides};
                        }});
    all.add("circle", {"none", Schema::of<GroupOptions>(), [](const Table&, const Place&) { return Shape{0}; }});
    return all;
  }();
  return registry;
}

struct Options {
  bool flag = false;
  int64_t k = 2;
  double rate = 0.5;
  std::string noise = "none";
  double noise_scale = 1;
  std::vector<int64_t> hidden = {256};
  std::vector<double> mean;
  Inner optimizer;
  Member shape{Table{{"kind", "circle"}}};
  std::vector<Member> others;
  void visit(Fields& field) {
    field("flag", flag, "a switch");
    field("k", k, "choices", between(1, 64));
    field("rate", rate, "a share", share());
    field("noise", noise, "noise", one_of("none", "gumbel", "gaussian"));
    field("noise_scale", noise_scale, "its size", at_least(0), effective_when(noise != "none", "noise = \"none\""));
    field("hidden", hidden, "widths", list_or_one(), at_least(1));
    field("mean", mean, "means");
    field("optimizer", optimizer, "how weights move");
    field("shape", shape, "a shape", member_of(shapes()));
    field("others", others, "more shapes", member_of(shapes()));
  }
};

std::string complaints(const std::string& toml) {
  Problems problems;
  Schema::of<Options>().resolve(parse_toml(toml, "my.toml"), {"top", "top"}, problems);
  try {
    problems.throw_if_any();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Fields, ReadEveryType) {
  const auto options = read_options<Options>(
      parse_toml(
          "flag = true\nk = 3\nrate = 1\nnoise = \"gumbel\"\nnoise_scale = 0.5\nhidden = [1, 2]\nmean = [0.5]\n"
          "optimizer = { lr = 0.1 }\nshape = { kind = \"polygon\", sides = 5 }\nothers = [{ kind = \"circle\" }]\n",
          ""),
      {});
  EXPECT_TRUE(options.flag);
  EXPECT_EQ(options.k, 3);
  EXPECT_EQ(options.rate, 1.0);
  EXPECT_EQ(options.noise_scale, 0.5);
  EXPECT_EQ(options.hidden, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(options.optimizer.lr, 0.1);
  EXPECT_EQ(options.shape.kind, "polygon");
  EXPECT_EQ(options.shape.path, "shape");
  EXPECT_EQ(options.others.at(0).path, "others.0");
}

TEST(Fields, UntypedTextTakesTheTypeOfItsSetting) {
  Table table;
  set_from_text(table, "k=7");
  set_from_text(table, "noise=gumbel");
  set_from_text(table, "hidden=[8, 9]");
  set_from_text(table, "shape={ kind = \"polygon\" }");
  const auto options = read_options<Options>(table, {});
  EXPECT_EQ(options.k, 7);
  EXPECT_EQ(options.noise, "gumbel");
  EXPECT_EQ(options.hidden.size(), 2U);
  EXPECT_EQ(options.shape.kind, "polygon");
}

TEST(Fields, EveryProblemIsNamedAtOnceWithItsPosition) {
  EXPECT_EQ(
      complaints("k = 0\nrate = \"x\"\nnoise = \"gumbl\"\nexpert = 1\n[optimizer]\nlr = 0\nlrr = 1\n"),
      "my.toml:1:5: [top] k: expected 1 .. 64, got 0\n"
      "my.toml:2:8: [top] rate: expected a number, got text (\"x\")\n"
      "my.toml:3:9: [top] noise: expected one of none, gumbel, gaussian, got \"gumbl\"; nearest: \"gumbel\"\n"
      "my.toml:4:10: [top] unknown key \"expert\". All keys: heterodyne ls -v top\n"
      "my.toml:6:6: [top.optimizer] lr: expected > 0, got 0\n"
      "my.toml:7:7: [top.optimizer] unknown key \"lrr\"; nearest: \"lr\". All keys: heterodyne ls -v top.optimizer");
}

TEST(Fields, AFlagNamesItsSetting) {
  const auto complaint = [](const std::string& source, const std::string& path) {
    Problems problems;
    problems.add({source, 0, 0}, path, "batch_size", "expected more");
    return fixtures::message_of<ConfigError>([&] { problems.throw_if_any(); });
  };
  EXPECT_EQ(complaint("--batch-size", ""), "--batch-size: expected more");
  EXPECT_EQ(complaint("--batch-size 0", ""), "--batch-size 0: expected more");
  EXPECT_EQ(complaint("--set data.batch_size=0", ""), "--set data.batch_size=0: batch_size: expected more");
  EXPECT_EQ(complaint("--batch-size", "data"), "--batch-size: [data] batch_size: expected more");
  EXPECT_EQ(complaint("", ""), "batch_size: expected more");
}

TEST(Fields, ASettingWithoutEffectIsAnError) {
  EXPECT_EQ(complaints("noise_scale = 2\n"),
            "my.toml:1:15: [top] noise_scale: has no effect while noise = \"none\"; remove one of the two");
  EXPECT_EQ(complaints("noise_scale = 2\nnoise = \"gumbel\"\n"), "");
}

TEST(Fields, MembersAreCheckedByTheirKind) {
  EXPECT_EQ(complaints("shape = { kind = \"polygn\" }\n"),
            "my.toml:1:18: [top.shape] kind: expected one of circle, polygon, got \"polygn\"; nearest: \"polygon\"");
  EXPECT_EQ(complaints("others = [{ kind = \"polygon\", side = 4 }]\n"),
            "my.toml:1:38: [top.others.0] unknown key \"side\"; nearest: \"sides\". All keys: heterodyne ls -v "
            "shape.polygon");
  EXPECT_EQ(complaints("others = [{ kind = \"polygon\", count = 0 }]\n"),
            "my.toml:1:39: [top.others.0] count: expected >= 1, got 0");
  EXPECT_EQ(complaints("shape = { sides = 3 }\n"),
            "my.toml:1:19: [top.shape] kind: expected one of circle, polygon, it is missing");
}

TEST(Fields, AResolvedTableNamesEveryDefaultAndReadsBack) {
  Problems problems;
  const Table written = parse_toml("k = 4\nshape = { kind = \"polygon\" }\n", "my.toml");
  const Table resolved = Schema::of<Options>().resolve(written, {}, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(*resolved.find("k")->if_integer(), 4);
  EXPECT_EQ(resolved.find("k")->position().line, 1);
  EXPECT_EQ(resolved.find("rate")->position().file, "");
  EXPECT_EQ(*resolved.find("shape")->if_table()->find("sides")->if_integer(), 3);
  EXPECT_EQ(*resolved.find("shape")->if_table()->find("count")->if_integer(), 1);
  EXPECT_FALSE(resolved.contains("noise_scale")) << "it has no effect";
  EXPECT_EQ(Schema::of<Options>().resolve(resolved, {}, problems), resolved);
  EXPECT_TRUE(problems.empty());
}

// Settings of all layers, and of single ones that differ.
struct LayerOptions {
  int64_t k = 2;
  double rate = 0.5;
  std::vector<int64_t> hidden;
  Member shape{Table{{"kind", "circle"}}};
  void visit(Fields& field) {
    field("k", k, "choices", between(1, 64));
    field("rate", rate, "a share", share());
    field("hidden", hidden, "widths", list_or_none(), at_least(1));
    field("shape", shape, "a shape", member_of(shapes()));
  }
};

struct LayersOptions : LayerOptions {
  std::map<int64_t, LayerOptions> layer;
  void visit(Fields& field) {
    LayerOptions::visit(field);
    field("layer", numbered<LayerOptions>(layer, *this), "single layers");
  }
};

std::string complaints_of_layers(const std::string& toml) {
  Problems problems;
  Schema::of<LayersOptions>().resolve(parse_toml(toml, "my.toml"), {"top", "top"}, problems);
  try {
    problems.throw_if_any();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(NumberedFields, AreLaidOverThoseOfAll) {
  const auto options = read_options<LayersOptions>(
      parse_toml("k = 3\n[layer.2]\nrate = 0.25\nshape = { kind = \"polygon\" }\n[layer.0]\nk = 1\n", ""), {});
  EXPECT_EQ(options.rate, 0.5);
  ASSERT_EQ(options.layer.size(), 2U);
  EXPECT_EQ(options.layer.at(2).k, 3) << "from the settings of all";
  EXPECT_EQ(options.layer.at(2).rate, 0.25);
  EXPECT_EQ(options.layer.at(2).shape.path, "layer.2.shape");
  EXPECT_EQ(options.layer.at(0).k, 1);
  EXPECT_EQ(options.layer.at(0).shape.kind, "circle");
}

TEST(NumberedFields, TakeTextFromTheCommandLine) {
  Table table;
  set_from_text(table, "layer.3.k=7");
  EXPECT_EQ(read_options<LayersOptions>(table, {}).layer.at(3).k, 7);
}

TEST(NumberedFields, AResolvedTableNamesTheirDefaultsAndReadsBack) {
  Problems problems;
  const auto schema = Schema::of<LayersOptions>();
  const Table written = parse_toml("k = 3\n[layer.10]\nrate = 0.25\n[layer.2]\nk = 4\n", "my.toml");
  const Table resolved = schema.resolve(written, {}, problems);
  EXPECT_EQ(*resolved.find_path("layer.10.k")->if_integer(), 3);
  EXPECT_EQ(resolved.find_path("layer.10.rate")->position().line, 3);
  EXPECT_EQ(*resolved.find_path("layer.2.shape.kind")->if_text(), "circle");
  EXPECT_EQ(schema.resolve(resolved, {}, problems), resolved);
  EXPECT_EQ(schema.resolve(parse_toml(write_toml(resolved), ""), {}, problems), resolved) << write_toml(resolved);
  EXPECT_TRUE(problems.empty());
  EXPECT_FALSE(schema.resolve(Table(), {}, problems).contains("layer")) << "where no layer differs";
}

TEST(NumberedFields, ProblemsAreNamedWithTheirNumber) {
  EXPECT_EQ(complaints_of_layers("layer = 3\n"), "my.toml:1:9: [top] layer: expected a table, got a whole number (3)");
  EXPECT_EQ(complaints_of_layers("layer.first.k = 1\n"),
            "my.toml:1:7: [top.layer] expected whole numbers as keys, got \"first\"");
  EXPECT_EQ(complaints_of_layers("layer.-1.k = 1\n"),
            "my.toml:1:7: [top.layer] expected whole numbers as keys, got \"-1\"");
  EXPECT_EQ(complaints_of_layers("layer.1 = 5\n"), "my.toml:1:11: [top.layer] 1: expected a table, got a whole number");
  EXPECT_EQ(complaints_of_layers("layer.1.k = 0\n"), "my.toml:1:13: [top.layer.1] k: expected 1 .. 64, got 0");
  EXPECT_EQ(complaints_of_layers("layer.1.rat = 0.5\n"),
            "my.toml:1:15: [top.layer.1] unknown key \"rat\"; nearest: \"rate\". All keys: heterodyne ls -v top");
}

TEST(NumberedFields, AreListedAsOneSetting) {
  const auto fields = Schema::of<LayersOptions>().list();
  ASSERT_EQ(fields.size(), 5U);
  EXPECT_EQ(fields[4].name, "layer");
  EXPECT_EQ(fields[4].type, "tables by number");
  EXPECT_EQ(fields[4].default_text, "none");
}

TEST(ListOrNone, TakesAListOneValueOrNothing) {
  const auto hidden = [](const std::string& toml) {
    return read_options<LayersOptions>(parse_toml(toml, ""), {}).hidden;
  };
  EXPECT_EQ(hidden(""), std::vector<int64_t>());
  EXPECT_EQ(hidden("hidden = []\n"), std::vector<int64_t>());
  EXPECT_EQ(hidden("hidden = 4\n"), std::vector<int64_t>{4});
  EXPECT_EQ(hidden("hidden = [4, 5]\n"), (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(complaints_of_layers("hidden = [0]\n"), "my.toml:1:11: [top] hidden: expected >= 1, got 0");
  Problems problems;
  const Table resolved = Schema::of<LayersOptions>().resolve(parse_toml("hidden = []\n", ""), {}, problems);
  EXPECT_EQ(*resolved.find("hidden"), Value(Array{}));
  EXPECT_EQ(complaints("hidden = []\n"), "my.toml:1:10: [top] hidden: expected at least one entry, got an empty list");
}

TEST(Fields, TheListingNamesEverySetting) {
  const auto fields = Schema::of<Options>().list();
  ASSERT_EQ(fields.size(), 10U);
  EXPECT_EQ(fields[1].name, "k");
  EXPECT_EQ(fields[1].type, "whole number");
  EXPECT_EQ(fields[1].default_text, "2");
  EXPECT_EQ(fields[1].range, "1 .. 64");
  EXPECT_EQ(fields[3].range, "none | gumbel | gaussian");
  EXPECT_EQ(fields[5].type, "whole number or a list");
  EXPECT_EQ(fields[5].default_text, "256");
  EXPECT_EQ(fields[7].name, "optimizer.lr");
  EXPECT_EQ(fields[8].default_text, "circle");
}

}  // namespace
}  // namespace heterodyne::fields_test
