#include "heterodyne/base/registry.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::registry_test {
namespace {

struct Shape {
  int64_t sides;
};
struct ShapeKind {
  std::string summary;
  Schema schema;
  std::function<Shape(const Table&, const Place&, const int64_t&)> make;
};

struct PolygonOptions {
  int64_t sides = 3;
  void visit(Fields& field) { field("sides", sides, "corners", between(3, 12)); }
};
struct NoOptions {
  void visit(Fields&) {}
};
struct GroupOptions {
  int64_t count = 1;
  void visit(Fields& field) { field("count", count, "copies", at_least(1)); }
};

// Polygons with some sides more than asked for.
Registry<ShapeKind> shapes() {
  Registry<ShapeKind> all("shape", Schema::of<GroupOptions>());
  all.add("polygon",
          {"many corners", Schema::of<PolygonOptions>(), [](const Table& table, const Place& place, int64_t more) {
             const auto options = read_options<PolygonOptions>(table, place);
             if (options.sides == 7) throw ConfigError("shape.polygon", "sides", "expected anything but 7");
             return Shape{options.sides + more};
           }});
  all.add("circle", {"none", Schema::of<NoOptions>(), [](const Table&, const Place&, int64_t) { return Shape{0}; }});
  return all;
}

Member member_of_text(const std::string& toml, const std::string& path = "") {
  Member member(*parse_toml("s = " + toml, "my.toml").find("s")->if_table());
  member.path = path;
  return member;
}

TEST(Registry, MakesByNameAndPassesTheContext) {
  EXPECT_EQ(shapes().make(Member(Table{{"kind", "polygon"}, {"sides", 4}, {"count", 3}}), int64_t{2}).sides, 6);
}

TEST(Registry, AnErrorOfAMemberGetsThePositionOfItsSetting) {
  const auto bad = member_of_text("{ kind = \"polygon\", sides = 7 }", "model.shape");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { shapes().make(bad, int64_t{0}); }),
            "my.toml:1:33: [model.shape] sides: expected anything but 7");
  const Member literal(Table{{"kind", "polygon"}, {"sides", 7}});
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { shapes().make(literal, int64_t{0}); }),
            "[shape.polygon] sides: expected anything but 7");
}

TEST(Registry, AnUnknownNameIsAnsweredWithTheNearest) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { shapes().find("polygn"); }),
            "[shape] kind: expected one of circle, polygon, got \"polygn\"; nearest: \"polygon\"");
}

TEST(Registry, ResolvesSharedAndOwnSettings) {
  Problems problems;
  const Table resolved =
      shapes().resolve(member_of_text("{ kind = \"polygon\", count = 2 }").settings, {"s", ""}, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(resolved, (Table{{"kind", "polygon"}, {"count", 2}, {"sides", 3}}));
}

TEST(Registry, AProgramAddsItsOwnKindToACopy) {
  Registry<ShapeKind> mine = shapes();
  mine.add("square", {"four", Schema::of<NoOptions>(), [](const Table&, const Place&, int64_t) { return Shape{4}; }});
  EXPECT_EQ(mine.names(), (std::vector<std::string>{"circle", "polygon", "square"}));
  EXPECT_EQ(shapes().names().size(), 2U);
}

}  // namespace
}  // namespace heterodyne::registry_test
