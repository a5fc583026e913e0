#include "heterodyne/data/jinja/text.h"

#include <gtest/gtest.h>

namespace heterodyne::jinja::text_test {
namespace {

using Parts = std::vector<std::string_view>;

TEST(JinjaText, CountsAndCutsCharacters) {
  EXPECT_EQ(num_characters("äb\u4e2d"), 3U);
  EXPECT_EQ(cut_characters("äbc", 2), "äb");
  EXPECT_EQ(cut_characters("ä", 5), "ä");
  EXPECT_EQ(characters_of("aä"), (Parts{"a", "ä"}));
  EXPECT_EQ(space_before(" \u00a0\x1f x"), 5U);
  EXPECT_EQ(without_space_behind("ä \u3000\n"), "ä");
  EXPECT_EQ(stripped("äxä", Side::kBoth, "ä"), "x");
  EXPECT_EQ(stripped(" \t", Side::kLeft, std::nullopt), "");
}

TEST(JinjaText, SplitsFromBothSides) {
  EXPECT_EQ(split_text("a--b--c", "--", 1), (Parts{"a", "b--c"}));
  EXPECT_EQ(split_text_from_right("a--b--c", "--", 1), (Parts{"a--b", "c"}));
  EXPECT_EQ(split_text_from_right("aaa", "aa", 1), (Parts{"a", ""})) << "the last two, as Python has it";
  EXPECT_EQ(split_text(" a  b ", std::nullopt, 0), (Parts{"a  b "}));
  EXPECT_EQ(split_text_from_right(" a  b ", std::nullopt, 0), (Parts{" a  b"}));
  EXPECT_EQ(split_text_from_right(" ", std::nullopt, 1), Parts{});
  EXPECT_EQ(lines_of("a\r\n\nb\u2028"), (Parts{"a", "", "b"}));
}

TEST(JinjaText, ReplacesEscapes) {
  EXPECT_EQ(unescaped(R"(a\n\x41\u00e9\U0001F600\0\q\\)"), std::string("a\nAé😀\0\\q\\", 13));
  EXPECT_THROW(unescaped("\\x4"), BadEscape);
  EXPECT_THROW(unescaped("\\ud800"), BadEscape);
  EXPECT_THROW(unescaped("\\U00110000"), BadEscape);
}

TEST(JinjaText, WritesNumbersAsPythonDoes) {
  EXPECT_EQ(shown_real(1e15), "1000000000000000.0");
  EXPECT_EQ(shown_real(1e16), "1e+16");
  EXPECT_EQ(shown_real(-1e-5), "-1e-05");
  EXPECT_EQ(shown_real(0), "0.0");
  EXPECT_EQ(shown_real(5e-324), "5e-324");
  EXPECT_EQ(shown_real(1.7976931348623157e308), "1.7976931348623157e+308");
}

TEST(JinjaText, ReadsNumbers) {
  EXPECT_EQ(integer_of(" -1_000 ", 10), -1000);
  EXPECT_EQ(integer_of("0x1F", 16), 31);
  for (const char* bad : {"", "-", "1_", "_1", "1__0", "9223372036854775808", "+-1", "0x", "1 2"})
    EXPECT_FALSE(integer_of(bad, 10)) << bad;
  EXPECT_EQ(real_of("+1.5e1"), 15);
  for (const char* bad : {"", "1.2.3", "+-1", "e1"}) EXPECT_FALSE(real_of(bad)) << bad;
}

}  // namespace
}  // namespace heterodyne::jinja::text_test
