#include "heterodyne/data/jinja/show.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

// What Python writes stands in golden_short_test.cc.
namespace heterodyne::jinja::show_test {
namespace {

TEST(JinjaShow, WritesTextListsAndJson) {
  Rendering rendering("here");
  const Value tree = Value::of_tree(Table{{"a", "it's"}, {"b", 1.0}, {"c", Table{{"d", heterodyne::Value()}}}}, "here");
  EXPECT_EQ(text_of(rendering, tree), R"({'a': "it's", 'b': 1.0, 'c': {'d': None}})");
  EXPECT_EQ(json_of(rendering, tree, {}), R"({"a": "it's", "b": 1.0, "c": {"d": null}})");
  JsonStyle style;
  style.indent = " ";
  style.is_ascii = true;
  EXPECT_EQ(json_of(rendering, Value::of_tree(Table{{"a", "ä😀"}}, "here"), style),
            "{\n \"a\": \"\\u00e4\\ud83d\\ude00\"\n}");
  EXPECT_EQ(text_of(rendering, Value::undefined("x")), "");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { json_of(rendering, Value::undefined("x is undefined"), {}); }),
            "[here] line 0: expected a value that JSON has, got nothing: x is undefined");
}

}  // namespace
}  // namespace heterodyne::jinja::show_test
