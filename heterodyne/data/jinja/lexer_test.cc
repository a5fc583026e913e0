#include "heterodyne/data/jinja/lexer.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::jinja::lexer_test {
namespace {

std::string texts_of(const std::string& source) {
  std::string all;
  for (const auto& token : tokens_of_template(source, "here")) all += "[" + token.text + "]";
  return all;
}

std::string error_of(const std::string& source) {
  return fixtures::message_of<FormatError>([&] { tokens_of_template(source, "here"); });
}

TEST(JinjaLexer, CutsTagsIntoTokens) {
  EXPECT_EQ(texts_of("a{{ b.c['d\\n'] | e(1.5, 0x1f) }}f"),
            "[a][{{][b][.][c][[][d\n][]][|][e][(][1.5][,][0x1f][)][}}][f][]");
  EXPECT_EQ(texts_of("{{ a.0.1 ** 2 // 1e3 }}"), "[{{][a][.][0][.][1][**][2][//][1e3][}}][]");
  EXPECT_EQ(texts_of("{{ {'a': {}} }}"), "[{{][{][a][:][{][}][}][}}][]");
}

TEST(JinjaLexer, TakesWhiteSpaceAway) {
  EXPECT_EQ(texts_of("a \n  {% b %}\nc"), "[a \n][{%][b][%}][c][]");
  EXPECT_EQ(texts_of("a \n  {%- b -%}\n c"), "[a][{%-][b][%}][c][]");
  EXPECT_EQ(texts_of("a\n  {%+ b +%}\nc"), "[a\n  ][{%+][b][%}][\nc][]");
  EXPECT_EQ(texts_of("  {{ b }}\n c"), "[  ][{{][b][}}][\n c][]");
  EXPECT_EQ(texts_of("a {# no {{ b }} #}\n c\r\n"), "[a ][ c][]");
  EXPECT_EQ(texts_of("{% raw %}{{ a }}{% endraw %}"), "[{{ a }}][]");
}

TEST(JinjaLexer, CountsLines) {
  const auto tokens = tokens_of_template("a\n{% b %}\n{{ 'x\ny' }}{{ c }}", "here");
  EXPECT_EQ(tokens[1].line, 2) << "the block";
  EXPECT_EQ(tokens[4].line, 3) << "the output";
  EXPECT_EQ(tokens[8].text, "c");
  EXPECT_EQ(tokens[8].line, 4);
}

TEST(JinjaLexer, SaysWhatDoesNotEnd) {
  EXPECT_EQ(error_of("a\n\n{{ b"), "[here] line 3: expected a tag that ends with }}, got none");
  EXPECT_EQ(error_of("\n{# b"), "[here] line 2: expected a comment that ends with #}, got none");
  EXPECT_EQ(error_of("{{ 'b }}"), "[here] line 1: expected a text that ends with ', got none");
  EXPECT_EQ(error_of("{% raw %} b"), "[here] line 1: expected {% endraw %} behind {% raw %}, got none");
  EXPECT_EQ(error_of("{{ a ? b }}"), "[here] line 1: expected an expression, got the character \"?\"");
  EXPECT_EQ(error_of("{{ (a] }}"), "[here] line 1: expected \"[\" before \"]\", got none");
  EXPECT_EQ(error_of("{{ '\\x' }}"), "[here] line 1: expected 2 hexadecimal digits behind \\, got others");
  EXPECT_EQ(error_of("a\xff"), "[here] byte 1: expected UTF-8, got 0xff");
  EXPECT_EQ(error_of(std::string(2'000'000, 'a')),
            "[here] expected a template of at most 1,048,576 bytes, got 2,000,000");
}

}  // namespace
}  // namespace heterodyne::jinja::lexer_test
