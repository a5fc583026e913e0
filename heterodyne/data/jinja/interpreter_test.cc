#include "heterodyne/data/jinja/interpreter.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/jinja/statement_parser.h"

// What templates write stands in golden_families_test.cc and golden_short_test.cc; here is what goes wrong.
namespace heterodyne::jinja::interpreter_test {
namespace {

std::string rendered(const std::string& source) {
  const Body body = parse_template(source, "here");
  Rendering rendering("here");
  Namespaces namespaces;
  return Interpreter(rendering, body, global_functions(namespaces, std::nullopt)).render();
}

std::string error_of(const std::string& source) {
  return fixtures::message_of<FormatError>([&] { rendered(source); });
}

TEST(JinjaInterpreter, SaysWhere) {
  EXPECT_EQ(error_of("a\n{{ b.c }}"), "[here] line 2: expected a value, got nothing: b is undefined");
  EXPECT_EQ(error_of("{% set a = {} %}\n\n{{ a.b.c }}"),
            "[here] line 3: expected a value, got nothing: the table has no \"b\"");
  EXPECT_EQ(error_of("{% macro f() %}\n{{ 1 + 'a' }}\n{% endmacro %}\n\n{{ f() }}"),
            "[here] line 2: expected values that \"+\" goes with, got a number and text; \"~\" joins any two as text");
  EXPECT_EQ(error_of("{% macro f() %}\n{% endmacro %}\n{{ f() ~ g() }}"),
            "[here] line 3: expected something that can be called, got nothing: g is undefined");
  EXPECT_EQ(error_of("{% for a, b in [[1]] %}{% endfor %}"),
            "[here] line 1: expected 2 values for as many names, got 1");
  EXPECT_EQ(error_of("{% set a = 1 %}{% set a.b = 2 %}"),
            "[here] line 1: a.b: expected a to be a namespace, got a number");
  EXPECT_EQ(error_of("{% macro f(a) %}{{ a.b }}{% endmacro %}{{ f() }}"),
            "[here] line 1: expected a value, got nothing: f was called without \"a\"");
  EXPECT_EQ(error_of("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}"),
            "[here] line 1: f: expected at most 1 arguments, got 2");
}

TEST(JinjaInterpreter, EndsWhateverTheTemplate) {
  const std::string steps =
      "[here] line 1: expected a template that is done after 20,000,000 steps, got one that goes on";
  const std::string depth = "[here] line 1: expected at most 400 calls and expressions inside each other, got more";
  const std::string bytes = "[here] line 1: expected a text of at most 16,777,216 bytes, got a longer one";
  const std::string nested = "[here] line 1: expected at most 128 lists and tables inside each other, got more";
  const std::string loops = "{% for a in range(99999) %}{% for b in range(99999) %}";
  EXPECT_EQ(error_of(loops + "{% endfor %}{% endfor %}"), steps);
  EXPECT_EQ(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), depth);
  EXPECT_EQ(
      error_of("{% set ns = namespace(t='ab') %}{% for a in range(99) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}"),
      bytes);
  EXPECT_EQ(error_of("{% set ns = namespace(l=[1]) %}{% for a in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}"),
            steps);
  EXPECT_EQ(error_of("{% set ns = namespace() %}{% for a in range(999) %}{% set ns.l = [ns.l] %}{% endfor %}"), nested);
  EXPECT_EQ(
      error_of("{% set ns = namespace(l=[]) %}{% for a in range(999) %}{% set ns.l = [ns.l.index] %}{% endfor %}"),
      nested);
  EXPECT_EQ(error_of("{% set ns = namespace(l=[]) %}{% for a in range(999) %}"
                     "{% for b in [ns.l] %}{% set ns.l = loop %}{% endfor %}{% endfor %}"),
            nested);
  EXPECT_EQ(error_of("{% for a in range(9999) %}{{ 'x' * 9999 }}{% endfor %}"), bytes) << "the outcome";
}

TEST(JinjaInterpreter, CirclesAreNoTrouble) {
  EXPECT_EQ(rendered("{% set a = namespace() %}{% set a.b = a %}{% set a.l = [a] %}{{ a }}"), "<a namespace>");
  EXPECT_EQ(rendered("{% set a = namespace() %}{% for i in [1, 2] %}{% macro f() %}{{ i }}{% endmacro %}"
                     "{% set a.f = f %}{% endfor %}{{ a.f() }}"),
            "2")
      << "a macro outlives the round in which it was written";
}

}  // namespace
}  // namespace heterodyne::jinja::interpreter_test
