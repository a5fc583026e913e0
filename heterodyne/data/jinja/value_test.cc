#include "heterodyne/data/jinja/value.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::jinja::value_test {
namespace {

TEST(JinjaValue, IsMadeOfTrees) {
  Array items;
  items.emplace_back(1);
  items.emplace_back(2.5);
  items.emplace_back(heterodyne::Value());
  const Value made = Value::of_tree(Table{{"a", items}, {"b", "text"}, {"c", true}}, "here");
  ASSERT_TRUE(made.if_dict());
  EXPECT_EQ(made.depth(), 2);
  const Value& list = *made.if_dict()->find("a");
  EXPECT_EQ(*list.if_list()->items[0].if_integer(), 1);
  EXPECT_EQ(*list.if_list()->items[1].if_real(), 2.5);
  EXPECT_TRUE(list.if_list()->items[2].is_none());
  EXPECT_EQ(*made.if_dict()->find("b")->if_text(), "text");
  EXPECT_TRUE(*made.if_dict()->find("c")->if_flag());
  EXPECT_EQ(made.if_dict()->find("d"), nullptr);
}

TEST(JinjaValue, TreesAreUtf8AndNotTooDeep) {
  EXPECT_EQ(fixtures::message_of<FormatError>([] { Value::of_tree("a\xff", "here"); }),
            "[here] byte 1: expected UTF-8, got 0xff");
  heterodyne::Value deep = 1;
  for (int i = 0; i < 200; ++i) {
    Array outer;
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { Value::of_tree(deep, "here"); }),
            "[here] expected at most 128 lists and tables inside each other, got more");
}

TEST(JinjaValue, KnowsWhatIsTrue) {
  EXPECT_FALSE(Value().is_true() || Value::undefined("x").is_true() || Value::integer(0).is_true());
  EXPECT_FALSE(Value::text("").is_true() || Value::list({}).is_true() || Value::dict({}).is_true());
  EXPECT_TRUE(Value::text("0").is_true() && Value::real(0.1).is_true() && Value::flag(true).is_true());
  EXPECT_EQ(Value::flag(true).whole(), 1);
  EXPECT_FALSE(Value::real(1).whole());
  EXPECT_EQ(Value::undefined("x is undefined").kind_name(), "nothing: x is undefined");
}

}  // namespace
}  // namespace heterodyne::jinja::value_test
