#include "heterodyne/data/tokens/pattern.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::pattern_test {
namespace {

using namespace tokens;

TEST(Pattern, MatchesUnicodeClassesAndLooksAhead) {
  // Two bytes a letter; of two spaces before a word the first stands alone.
  EXPECT_EQ(Pattern(R"(\p{L}+|\s+(?!\S)|\s)", "t").matches("\u00e9\u00e9  a"),
            (std::vector<Span>{{0, 4}, {4, 5}, {5, 6}, {6, 7}}));
  EXPECT_EQ(Pattern("(?i:'s)", "t").matches("x'S"), (std::vector<Span>{{1, 3}}));
}

TEST(Pattern, LeavesEmptyMatchesOut) {
  EXPECT_EQ(Pattern("a*", "t").matches("b\u00e9aa"), (std::vector<Span>{{3, 5}}));
  EXPECT_TRUE(Pattern("a", "t").matches("").empty());
}

TEST(Pattern, ALongTextIsNoTrouble) {
  EXPECT_EQ(Pattern(R"(\s+(?!\S)|\s+)", "t").matches(std::string(1'000'000, ' ')).size(), 1U);
  EXPECT_EQ(Pattern(R"((?:ab?)+)", "t").matches(std::string(100'000, 'a')).size(), 1U);
}

TEST(Pattern, WhatCannotBeDoneIsSaid) {
  EXPECT_EQ(fixtures::message_of<FormatError>([] { Pattern("a(", "t.json"); }),
            "t.json: expected a regular expression, got \"a(\": missing closing parenthesis at byte 2");
  EXPECT_NE(fixtures::message_of<FormatError>([] { Pattern("\\C", "t.json"); }), "") << "it would cut characters";
  const std::string text = std::string(40, 'a') + "b";
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              Pattern("(a|aa)+$", "t.json").matches(text);
            }).find("t.json: the text cannot be split at byte 0: match limit exceeded"),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::pattern_test
