#include "heterodyne/data/jinja/operators.h"

#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/jinja/show.h"

// What Python computes stands in golden_short_test.cc; here are the edges.
namespace heterodyne::jinja::operators_test {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();

std::string computed(const std::string& sign, int64_t left, int64_t right) {
  Rendering rendering("here");
  try {
    return text_of(rendering, arithmetic(rendering, sign, Value::integer(left), Value::integer(right)));
  } catch (const FormatError& error) {
    return error.what();
  }
}

TEST(JinjaOperators, WholeNumbersDoNotOverflow) {
  const std::string large = "[here] line 0: expected a whole number below 2^63, got a larger one";
  EXPECT_EQ(computed("+", kMost, 1), large);
  EXPECT_EQ(computed("-", kLeast, 1), large);
  EXPECT_EQ(computed("*", kMost, 2), large);
  EXPECT_EQ(computed("**", 2, 63), large);
  EXPECT_EQ(computed("**", 10, kMost), large);
  EXPECT_EQ(computed("//", kLeast, -1), large);
  EXPECT_EQ(computed("%", kLeast, -1), "0");
  EXPECT_EQ(computed("**", -2, 63), "-9223372036854775808");
  EXPECT_EQ(computed("**", 1, kMost), "1");
  EXPECT_EQ(computed("%", 1, 0), "[here] line 0: expected a divisor, got 0");
  EXPECT_EQ(computed("**", 0, -1), "[here] line 0: expected a divisor, got 0");
}

TEST(JinjaOperators, SlicesAtTheEdges) {
  Rendering rendering("here");
  Values three;
  for (int i = 0; i < 3; ++i) three.push_back(Value::integer(i));
  const Value list = rendering.list(three);
  const auto sliced = [&](int64_t begin, int64_t end, int64_t step) {
    const Value a = Value::integer(begin), b = Value::integer(end), c = Value::integer(step);
    return text_of(rendering, slice(rendering, list, {&a, &b, &c}));
  };
  EXPECT_EQ(sliced(kLeast, kMost, 1), "[0, 1, 2]");
  EXPECT_EQ(sliced(kMost, kLeast, -1), "[2, 1, 0]");
  EXPECT_EQ(sliced(0, 3, kMost), "[0]");
  EXPECT_EQ(sliced(2, kLeast, kLeast), "[2]");
  EXPECT_EQ(sliced(2, 1, 1), "[]");
  EXPECT_TRUE(subscript(rendering, list, Value::integer(kLeast)).is_undefined());
}

TEST(JinjaOperators, SayWhatDoesNotGo) {
  Rendering rendering("here");
  const auto error_of = [&](const std::string& sign, const Value& left, const Value& right) {
    return fixtures::message_of<FormatError>([&] { arithmetic(rendering, sign, left, right); });
  };
  EXPECT_EQ(error_of("+", Value::text("a"), Value::integer(1)),
            "[here] line 0: expected values that \"+\" goes with, got text and a number; \"~\" joins any two as text");
  EXPECT_EQ(error_of("-", Value(), Value::integer(1)),
            "[here] line 0: expected values that \"-\" goes with, got none and a number");
  EXPECT_EQ(error_of("+", Value::undefined("x is undefined"), Value::integer(1)),
            "[here] line 0: expected a value, got nothing: x is undefined");
  EXPECT_EQ(error_of("*", Value::text("ab"), Value::integer(kMost)),
            "[here] line 0: expected a text of at most 16,777,216 bytes, got a longer one");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { order(rendering, Value::text("a"), Value::integer(1)); }),
            "[here] line 0: expected two numbers or two texts to compare, got text and a number");
}

}  // namespace
}  // namespace heterodyne::jinja::operators_test
