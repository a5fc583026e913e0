#include "heterodyne/data/jinja/filters.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

// What Jinja's filters give stands in golden_short_test.cc.
namespace heterodyne::jinja::filters_test {
namespace {

TEST(JinjaFilters, SayWhichAreKnown) {
  Rendering rendering("here");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { apply_filter(rendering, "jsontoo", Value(), {}); }),
            "[here] line 0: expected a filter, got \"jsontoo\", which is not known");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { apply_filter(rendering, "trimm", Value(), {}); }),
            "[here] line 0: expected a filter, got \"trimm\", which is not known; nearest: \"trim\"");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { apply_test(rendering, "define", Value(), {}); }),
            "[here] line 0: expected a test behind \"is\", got \"define\", which is not known; nearest: \"defined\"");
}

TEST(JinjaFilters, RefuseWhatWouldBeTooMuch) {
  Rendering rendering("here");
  const Arguments wide{{Value::integer(int64_t{1} << 40)}, {}};
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { apply_filter(rendering, "indent", Value::text("a"), wide); }),
            "[here] line 0: expected a text of at most 16,777,216 bytes, got a longer one");
  EXPECT_EQ(fixtures::message_of<FormatError>(
                [&] { apply_filter(rendering, "int", Value::text("a"), {{}, {{"base", Value::integer(99)}}}); }),
            "[here] line 0: int: base: expected 2 .. 36, got 99");
}

}  // namespace
}  // namespace heterodyne::jinja::filters_test
