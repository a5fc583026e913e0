#include "heterodyne/data/jinja/methods.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/jinja/show.h"

// What Python's methods give stands in golden_short_test.cc.
namespace heterodyne::jinja::methods_test {
namespace {

TEST(JinjaMethods, ChangeNothing) {
  Rendering rendering("here");
  const Value list = rendering.list({});
  EXPECT_TRUE(has_method(list, "append"));
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { call_method(rendering, list, "append", {}); }),
            "[here] line 0: append: expected a method that changes nothing, for templates cannot change a list");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { call_method(rendering, Value::text("a"), "encode", {}); }),
            "[here] line 0: expected a method of text, got \"encode\"");
}

TEST(JinjaMethods, CanBeKeptForLater) {
  Rendering rendering("here");
  const Value upper = bound_method(Value::text("a"), "upper");
  EXPECT_EQ(text_of(rendering, upper.if_object()->call(rendering, {})), "A");
  EXPECT_EQ(bound_method(rendering.list({}), "index").depth(), 2) << "what it holds counts";
}

}  // namespace
}  // namespace heterodyne::jinja::methods_test
