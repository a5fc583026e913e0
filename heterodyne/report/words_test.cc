#include "heterodyne/report/words.h"

#include <gtest/gtest.h>

namespace heterodyne::words_test {
namespace {

TEST(Words, NumbersAreShort) {
  EXPECT_EQ(percent(0.32498), "32.5 %");
  EXPECT_EQ(counted(1, "assignment"), "1 assignment");
  EXPECT_EQ(counted(320000, "assignment"), "320,000 assignments");
  EXPECT_EQ(number(0.253234), "0.2532");
  EXPECT_EQ(short_number(353), "353");
  EXPECT_EQ(short_number(3.4849e6), "3.48 M");
  EXPECT_EQ(short_number(24576), "24.58 k");
}

TEST(Words, ListsEndWithAnd) {
  EXPECT_EQ(listed({}), "");
  EXPECT_EQ(listed({"a"}), "a");
  EXPECT_EQ(listed({"a", "b"}), "a and b");
  EXPECT_EQ(listed({"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(listed({"a", "b", "c", "d"}, 4), "a, b, c and d");
  EXPECT_EQ(listed({"a", "b", "c", "d", "e"}, 4), "a, b, c and 2 more");
}

TEST(Words, WhatAShellWouldTakeApartIsQuoted) {
  EXPECT_EQ(shell_word("runs/a-1.b"), "runs/a-1.b");
  EXPECT_EQ(shell_word("my run; rm"), "'my run; rm'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace heterodyne::words_test
