#include "heterodyne/data/jinja/statement_parser.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::jinja::statement_parser_test {
namespace {

std::string error_of(const std::string& source) {
  return fixtures::message_of<FormatError>([&] { parse_template(source, "here"); });
}

TEST(StatementParser, MakesATree) {
  const Body body = parse_template("a{% for b, c in d if e %}{{ b }}{% else %}f{% endfor %}{% set g.h = 1 %}", "here");
  ASSERT_EQ(body.size(), 3U);
  EXPECT_EQ(body[0].text, "a");
  EXPECT_EQ(body[1].kind, Statement::Kind::kFor);
  EXPECT_EQ(body[1].targets[0]->parts.size(), 2U);
  EXPECT_TRUE(body[1].values[1]);
  EXPECT_EQ(body[1].bodies.size(), 2U);
  EXPECT_EQ(body[2].targets[0]->kind, Expression::Kind::kAttribute);
}

TEST(StatementParser, SaysWhatItExpects) {
  EXPECT_EQ(error_of("a\n{% if b %}\nc"),
            "[here] line 2: expected {% elif %} or {% else %} or {% endif %} behind this block, got the end of the "
            "template");
  EXPECT_EQ(error_of("{% for a in b %}{% endif %}"),
            "[here] line 1: expected {% else %} or {% endfor %} or another block, got \"endif\"");
  EXPECT_EQ(error_of("\n{% include 'a' %}"),
            "[here] line 2: expected one of the blocks set, if, for, macro, call, filter, with, generation, break, "
            "continue, got \"include\"");
  EXPECT_EQ(error_of("{% break %}"), "[here] line 1: expected \"break\" inside of a loop, got it outside");
  EXPECT_EQ(error_of("{% for a in b %}{% macro c() %}{% continue %}{% endmacro %}{% endfor %}"),
            "[here] line 1: expected \"continue\" inside of a loop, got it outside");
  EXPECT_EQ(error_of("{% for a in b recursive %}"),
            "[here] line 1: expected the end of the block, for loops do not call themselves here, got \"recursive\"");
  EXPECT_EQ(error_of("{% set a %}b"),
            "[here] line 1: expected {% endset %} behind this block, got the end of the template");
  EXPECT_EQ(error_of("{% set true = 1 %}"), "[here] line 1: expected a name to assign to, got \"true\"");
  EXPECT_EQ(error_of("{% macro a(b=1, c) %}"),
            "[here] line 1: expected a value for this parameter as for the last, got \")\"");
  EXPECT_EQ(error_of("{% call a %}"), "[here] line 1: expected a call, got another expression");
  EXPECT_EQ(error_of("{{ a %}"), "[here] line 1: expected \"{\" before \"}\", got none");
}

TEST(StatementParser, HasAnEnd) {
  std::string source;
  for (int i = 0; i < 5000; ++i) source += "{% if a %}";
  EXPECT_EQ(error_of(source), "[here] line 1: expected at most 100 levels of expressions and blocks, got more");
}

}  // namespace
}  // namespace heterodyne::jinja::statement_parser_test
