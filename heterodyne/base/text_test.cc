#include "heterodyne/base/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace heterodyne::text_test {
namespace {

TEST(Text, FindsTheNearestName) {
  EXPECT_EQ(nearest("expert", {"router", "experts", "layers"}), "experts");
  EXPECT_EQ(nearest("gumbl", {"none", "gumbel", "gaussian"}), "gumbel");
  EXPECT_EQ(nearest("lern_rate", {"lr", "learn_rate"}), "learn_rate");
  EXPECT_EQ(nearest("TOP_K", {"top_k"}), "top_k");
  EXPECT_EQ(nearest("tpo_k", {"top_p", "top_k"}), "top_k") << "a swap of neighbours is one edit";
}

TEST(Text, SuggestsNothingFarAway) {
  EXPECT_EQ(nearest("zebra", {"router", "experts"}), "");
  EXPECT_EQ(nearest("k", {"x"}), "");
}

TEST(Text, SplitsAndJoins) {
  EXPECT_EQ(split("a.b.0", '.'), (std::vector<std::string>{"a", "b", "0"}));
  EXPECT_EQ(split("a..", '.'), (std::vector<std::string>{"a", "", ""}));
  EXPECT_TRUE(split("", '.').empty());
  EXPECT_EQ(join({"a", "b"}), "a, b");
}

TEST(Text, WritesNumbersForPeople) {
  EXPECT_EQ(with_commas(357611), "357,611");
  EXPECT_EQ(with_commas(-1000), "-1,000");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(-999), "-999");
}

TEST(Text, WritesTheShortestNumberThatReadsBack) {
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(2), "2.0");
  EXPECT_EQ(shortest(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(std::stod(shortest(1.0 / 3)), 1.0 / 3);
}

TEST(Text, KnowsWellFormedUtf8) {
  EXPECT_TRUE(is_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_utf8("\xC0\xAF")) << "overlong";
  EXPECT_FALSE(is_utf8("\xED\xA0\x80")) << "surrogate";
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80")) << "above U+10FFFF";
  EXPECT_FALSE(is_utf8("\xE2\x82")) << "cut short";
}

}  // namespace
}  // namespace heterodyne::text_test
