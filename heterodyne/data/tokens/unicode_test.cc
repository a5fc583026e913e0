#include "heterodyne/data/tokens/unicode.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::unicode_test {
namespace {

using namespace tokens;

TEST(Unicode, CharactersComeBack) {
  const std::string text = "a\u00e9\u2581\U0001F642";
  std::vector<char32_t> characters;
  std::string back;
  for (size_t at = 0; at < text.size();) {
    characters.push_back(next_character(text, at));
    append_character(back, characters.back());
  }
  EXPECT_EQ(characters, (std::vector<char32_t>{'a', 0xE9, 0x2581, 0x1F642}));
  EXPECT_EQ(back, text);
}

// e with acute as one character and as two, the ligature fi.
TEST(Unicode, HasFourNormalForms) {
  const std::string text = "e\u0301 \ufb01";
  EXPECT_EQ(normalized(text, NormalForm::kNfc), "\u00e9 \ufb01");
  EXPECT_EQ(normalized("\u00e9 \ufb01", NormalForm::kNfd), "e\u0301 \ufb01");
  EXPECT_EQ(normalized(text, NormalForm::kNfkc), "\u00e9 fi");
  EXPECT_EQ(normalized("\u00e9 \ufb01", NormalForm::kNfkd), "e\u0301 fi");
  EXPECT_EQ(normalized(std::string("\0", 1), NormalForm::kNfc), std::string("\0", 1));
  EXPECT_EQ(normalized("", NormalForm::kNfc), "");
}

TEST(Unicode, LowersEachCharacter) {
  EXPECT_EQ(lowercased("\u00c4B\u03a3 \u00df"), "\u00e4b\u03c3 \u00df");
  EXPECT_EQ(lowercased("\u0130"), "i\u0307");
}

TEST(Unicode, RaisesEachCharacter) {
  EXPECT_EQ(uppercased("\u00e4b\u03c3 \u00df"), "\u00c4B\u03a3 SS");
  std::string text;
  append_titlecased(text, U'\u01c6');  // one letter that looks like two
  append_titlecased(text, U'\u00df');
  EXPECT_EQ(text, "\u01c5Ss");
}

TEST(Unicode, KnowsCategories) {
  for (const char32_t c : {U' ', U'\t', U'\u0085', U'\u00a0', U'\u3000', U'\u2028'}) EXPECT_TRUE(is_white_space(c));
  for (const char32_t c : {U'\u200b', U'a', U'\u001f'}) EXPECT_FALSE(is_white_space(c));
  EXPECT_TRUE(is_nonspacing_mark(0x301));
  EXPECT_TRUE(is_control(0x200B) && is_control(0xAD) && is_control(1) && !is_control('a'));
  EXPECT_TRUE(is_punctuation(0x201C) && is_punctuation('_') && !is_punctuation('$'));
  EXPECT_TRUE(is_word_character('_') && is_word_character(0x4E2D) && is_word_character('7') && !is_word_character('-'));
  EXPECT_TRUE(is_letter(0x4E2D) && is_letter('a') && !is_letter('1'));
  EXPECT_TRUE(is_cased('a') && is_cased(0x1C5) && !is_cased(0x4E2D) && is_upper_case('A') && !is_upper_case('a'));
  EXPECT_TRUE(is_number(0xBD) && is_number(0x664) && !is_number('a'));
}

// Table 3-8 of the Unicode Standard 15: one mark for each longest beginning.
TEST(Unicode, WhatIsNotUtf8IsMarkedOrNamed) {
  EXPECT_EQ(lossy_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                       "b\x80"
                       "c\x80\xBF"
                       "d"),
            "a\uFFFD\uFFFD\uFFFD"
            "b\uFFFD"
            "c\uFFFD\uFFFD"
            "d");
  EXPECT_EQ(lossy_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(fixtures::message_of<FormatError>([] { check_utf8("\u00e9\xC3", "my.txt"); }),
            "[my.txt] byte 2: expected UTF-8, got 0xc3");
}

TEST(Unicode, ReplacesText) { EXPECT_EQ(replaced("aXbXX", "X", "yz"), "ayzbyzyz"); }

}  // namespace
}  // namespace heterodyne::unicode_test
