#include "heterodyne/data/jinja/rendering.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::jinja::rendering_test {
namespace {

TEST(Rendering, CountsStepsTextsAndDepth) {
  Rendering rendering("here", {1000, 10, 2});
  rendering.line = 3;
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { rendering.text("01234567890"); }),
            "[here] line 3: expected a text of at most 10 bytes, got a longer one");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { Builder(rendering).add("01234").add(SIZE_MAX, ' '); }),
            "[here] line 3: expected a text of at most 10 bytes, got a longer one");
  EXPECT_EQ(Builder(rendering).add("ab").add(2, 'c').take(), "abcc");
  EXPECT_EQ(fixtures::message_of<FormatError>(
                [&] { const Rendering::Deeper one(rendering), two(rendering), three(rendering); }),
            "[here] line 3: expected at most 2 calls and expressions inside each other, got more");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { rendering.list(Values(200)); }),
            "[here] line 3: expected a template that is done after 1,000 steps, got one that goes on");
  Rendering other("here");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] {
              Value nested;
              for (int i = 0; i < 200; ++i) nested = other.list(Values(1, nested));
            }),
            "[here] line 0: expected at most 128 lists and tables inside each other, got more");
}

}  // namespace
}  // namespace heterodyne::jinja::rendering_test
