#include "heterodyne/base/fields.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/registry.h"

namespace heterodyne {
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
}  // namespace heterodyne
