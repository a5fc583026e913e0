#include "heterodyne/data/jinja/expression_parser.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/jinja/show.h"

namespace heterodyne::jinja::expression_parser_test {
namespace {

// The tree as text: operators before their operands.
std::string shown(const Expression& expression) {
  using Kind = Expression::Kind;
  Rendering rendering("here");
  if (expression.kind == Kind::kConstant) return quoted_value(rendering, expression.constant);
  if (expression.kind == Kind::kName) return expression.name;
  constexpr const char* kNames[] = {"",   "",    "list", "tuple", "dict", ".",  "[]", "[:]", "call",
                                    "| ", "is ", "not",  "sign",  "and",  "or", "",   "",    "if"};
  std::string text = "(" + std::string(kNames[static_cast<size_t>(expression.kind)]) + expression.name;
  for (const auto& sign : expression.signs) text += sign;
  for (const auto& part : expression.parts) text += " " + (part ? shown(*part) : "-");
  for (const auto& [name, value] : expression.named) text += " " + name + "=" + shown(*value);
  return text + ")";
}

std::string tree_of(const std::string& text) {
  ExpressionParser parser(tokens_of_template("{{ " + text + " }}", "here"), "here");
  parser.take();
  const auto expression = parser.expressions();
  if (parser.next().kind != Token::Kind::kOutputEnd) parser.fail("the end");
  return shown(*expression);
}

std::string error_of(const std::string& text) {
  return fixtures::message_of<FormatError>([&] { tree_of(text); });
}

TEST(ExpressionParser, KnowsWhatBindsHowTightly) {
  EXPECT_EQ(tree_of("a or b and not c == d + e * f ** g"), "(or a (and b (not (== c (+ d (* e (** f g)))))))");
  EXPECT_EQ(tree_of("a - b - c ~ d"), "(- (- a b) (~ c d))");
  EXPECT_EQ(tree_of("-a ** b | f"), "(** (sign- a) (| f b))") << "a filter belongs to the value before it";
  EXPECT_EQ(tree_of("-a | f"), "(| f (sign- a))");
  EXPECT_EQ(tree_of("a < b <= c not in d"), "(<<=not in a b c d)");
  EXPECT_EQ(tree_of("a if b else c if d else e"), "(if a b (if c d e))");
  EXPECT_EQ(tree_of("a if b"), "(if a b -)");
  EXPECT_EQ(tree_of("a is not b and c is d(1) or e is f 2"), "(or (and (not (is b a)) (is d c 1)) (is f e 2))");
}

TEST(ExpressionParser, FollowsValues) {
  EXPECT_EQ(tree_of("a.b[c].0(d, e=f)[1:][::g]"), "([:] ([:] (call ([] ([] (.b a) c) 0) d e=f) 1 - -) - - g)");
  EXPECT_EQ(tree_of("[a, (b,), {'c': d}, (), 'e' 'f']"), "(list a (tuple b) (dict 'c' d) (tuple) 'ef')");
  EXPECT_EQ(tree_of("a, b"), "(tuple a b)");
  EXPECT_EQ(tree_of("a | f(1) | g(h=2)"), "(| g (| f a 1) h=2)");
}

TEST(ExpressionParser, SaysWhatItExpects) {
  EXPECT_EQ(error_of("a +"), "[here] line 1: expected an expression, got \"}}\"");
  EXPECT_EQ(error_of("a b"), "[here] line 1: expected the end, got \"b\"");
  EXPECT_EQ(error_of("\n a[]"), "[here] line 2: expected something between [ and ], got nothing");
  EXPECT_EQ(error_of("f(a=1, b)"), "[here] line 1: expected an argument with a name, got \"b\"");
  EXPECT_EQ(error_of("f(*a)"), "[here] line 1: expected an argument, which cannot be spread here, got \"*\"");
  EXPECT_EQ(error_of("a is b is c"), "[here] line 1: expected one test, as \"x is a and x is b\", got \"is\"");
  EXPECT_EQ(error_of("9999999999999999999"),
            "[here] line 1: expected a whole number below 2^63, got 9999999999999999999");
}

TEST(ExpressionParser, HasAnEnd) {
  const std::string deep = "[here] line 1: expected at most 100 levels of expressions and blocks, got more";
  EXPECT_EQ(error_of(std::string(5000, '(') + "a" + std::string(5000, ')')), deep);
  EXPECT_EQ(error_of(std::string(5000, '[') + std::string(5000, ']')), deep);
  EXPECT_EQ(error_of(std::string(5000, '-') + "a"), deep);
  std::string nots, sum = "a", calls = "a", choice = "a";
  for (int i = 0; i < 5000; ++i) nots += "not ", sum += "+a", calls += "()", choice += " if a else a";
  EXPECT_EQ(error_of(nots + "a"), deep);
  EXPECT_EQ(error_of(choice), deep);
  EXPECT_EQ(error_of(sum), "[here] line 1: expected an expression of at most 200 steps, got a longer one");
  EXPECT_EQ(error_of(calls), "[here] line 1: expected an expression of at most 200 steps, got a longer one");
}

}  // namespace
}  // namespace heterodyne::jinja::expression_parser_test
