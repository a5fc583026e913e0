#include "heterodyne/data/jinja/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/data/jinja/text.h"

namespace heterodyne::jinja {
namespace {

constexpr int kMostLevels = 100;   // of what the parser does inside itself
constexpr int kDeepestTree = 200;  // a + b + c + ... is deep though it is not nested

// Signs between two values, by how tightly they bind; ones that bind alike go from left to right.
struct Binding {
  std::string_view sign;
  int strength;
};
constexpr std::array<Binding, 8> kBindings = {
    {{"+", 1}, {"-", 1}, {"~", 2}, {"*", 3}, {"/", 3}, {"//", 3}, {"%", 3}, {"**", 4}}};
constexpr int kTightest = 5;

constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", "<", "<=", ">", ">="};

}  // namespace

ExpressionParser::Level::Level(ExpressionParser& parser) : parser_(parser) {
  if (parser_.level_ >= kMostLevels)
    parser_.fail_at(parser_.next().line,
                    fmt::format("expected at most {} levels of expressions and blocks, got more", kMostLevels));
  ++parser_.level_;
}

void ExpressionParser::fail(const std::string& expected) const {
  fail_at(next().line, fmt::format("expected {}, got {}", expected, next().shown()));
}

void ExpressionParser::fail_at(int line, const std::string& message) const {
  throw FormatError(where_, fmt::format("line {}: {}", line, message));
}

bool ExpressionParser::takes_sign(std::string_view sign) {
  const bool is_there = next().is_sign(sign);
  if (is_there) take();
  return is_there;
}

bool ExpressionParser::takes_name(std::string_view name) {
  const bool is_there = next().is_name(name);
  if (is_there) take();
  return is_there;
}

void ExpressionParser::expect_sign(std::string_view sign) {
  if (!takes_sign(sign)) fail(fmt::format("\"{}\"", sign));
}

std::string ExpressionParser::expect_any_name(const char* what) {
  if (next().kind != Token::Kind::kName) fail(what);
  return take().text;
}

Expression ExpressionParser::made(Kind kind, std::string name) const {
  Expression expression;
  expression.kind = kind;
  expression.line = next().line;
  expression.name = std::move(name);
  return expression;
}

ExpressionPtr ExpressionParser::finished(Expression made) const {
  for (const auto& part : made.parts) made.depth = std::max(made.depth, part ? part->depth + 1 : 0);
  for (const auto& part : made.named) made.depth = std::max(made.depth, part.value->depth + 1);
  if (made.depth > kDeepestTree)
    fail_at(made.line, fmt::format("expected an expression of at most {} steps, got a longer one", kDeepestTree));
  return std::make_unique<const Expression>(std::move(made));
}

ExpressionPtr ExpressionParser::pair(Kind kind, const std::string& name, ExpressionPtr left,
                                     ExpressionPtr right) const {
  Expression both = made(kind, name);
  both.line = left->line;
  both.parts.push_back(std::move(left));
  both.parts.push_back(std::move(right));
  return finished(std::move(both));
}

ExpressionPtr ExpressionParser::expression(bool may_be_conditional) {
  const Level level(*this);
  return may_be_conditional ? conditional() : disjunction();
}

bool ExpressionParser::ends_expressions() const {
  const auto kind = next().kind;
  return kind == Token::Kind::kBlockEnd || kind == Token::Kind::kOutputEnd || kind == Token::Kind::kEnd ||
         next().is_sign(")") || next().is_name("recursive");
}

ExpressionPtr ExpressionParser::expressions(bool may_be_conditional) {
  Expression all = made(Kind::kTuple);
  auto first = expression(may_be_conditional);
  if (!next().is_sign(",")) return first;
  all.parts.push_back(std::move(first));
  while (takes_sign(",") && !ends_expressions()) all.parts.push_back(expression(may_be_conditional));
  return finished(std::move(all));
}

ExpressionPtr ExpressionParser::target(bool may_be_attribute) {
  const Level level(*this);
  Expression all = made(Kind::kTuple);
  bool has_comma = false;
  do {
    if (takes_sign("(")) {
      all.parts.push_back(target(may_be_attribute));
      expect_sign(")");
    } else if (next().kind == Token::Kind::kName && !next().is_name("in")) {
      Expression name = made(Kind::kName, expect_any_name("a name"));
      constexpr std::array<std::string_view, 6> kTaken = {"true", "false", "none", "True", "False", "None"};
      if (std::find(kTaken.begin(), kTaken.end(), name.name) != kTaken.end())
        fail_at(name.line, fmt::format("expected a name to assign to, got \"{}\"", name.name));
      auto one = finished(std::move(name));
      if (may_be_attribute && takes_sign(".")) {
        Expression attribute = made(Kind::kAttribute, expect_any_name("the name of an attribute"));
        attribute.parts.push_back(std::move(one));
        one = finished(std::move(attribute));
      }
      all.parts.push_back(std::move(one));
    } else if (all.parts.empty()) {
      fail("a name to assign to");
    } else {
      break;  // "a, = ..."
    }
  } while (takes_sign(",") && (has_comma = true));
  if (!has_comma) return std::move(all.parts.front());
  return finished(std::move(all));
}

ExpressionPtr ExpressionParser::block_filters() {
  auto subject = finished(made(Kind::kName, kBlockText));
  takes_sign("|");
  subject = filter(std::move(subject));
  while (takes_sign("|")) subject = filter(std::move(subject));
  return subject;
}

ExpressionPtr ExpressionParser::conditional() {
  auto value = disjunction();
  while (takes_name("if")) {
    Expression choice = made(Kind::kConditional);
    choice.parts.push_back(std::move(value));
    choice.parts.push_back(disjunction());
    choice.parts.push_back(takes_name("else") ? expression() : nullptr);
    value = finished(std::move(choice));
  }
  return value;
}

ExpressionPtr ExpressionParser::disjunction() {
  auto left = conjunction();
  while (takes_name("or")) left = pair(Kind::kOr, "", std::move(left), conjunction());
  return left;
}

ExpressionPtr ExpressionParser::conjunction() {
  auto left = negation();
  while (takes_name("and")) left = pair(Kind::kAnd, "", std::move(left), negation());
  return left;
}

ExpressionPtr ExpressionParser::negation() {
  if (!next().is_name("not")) return comparison();
  const Level level(*this);
  Expression negated = made(Kind::kNot);
  take();
  negated.parts.push_back(negation());
  return finished(std::move(negated));
}

ExpressionPtr ExpressionParser::comparison() {
  Expression chain = made(Kind::kCompare);
  auto first = arithmetic(1);
  while (true) {
    std::string sign;
    if (next().kind == Token::Kind::kSign &&
        std::find(kComparisons.begin(), kComparisons.end(), next().text) != kComparisons.end()) {
      sign = take().text;
    } else if (takes_name("in")) {
      sign = "in";
    } else if (next().is_name("not") && tokens_[at_ + 1].is_name("in")) {
      take();
      take();
      sign = "not in";
    } else {
      break;
    }
    if (chain.parts.empty()) chain.parts.push_back(std::move(first));
    chain.signs.push_back(sign);
    chain.parts.push_back(arithmetic(1));
  }
  return chain.parts.empty() ? std::move(first) : finished(std::move(chain));
}

ExpressionPtr ExpressionParser::arithmetic(int binding) {
  if (binding == kTightest) return signed_value(true);
  auto left = arithmetic(binding + 1);
  while (next().kind == Token::Kind::kSign) {
    const auto found = std::find_if(kBindings.begin(), kBindings.end(), [&](const Binding& known) {
      return known.strength == binding && known.sign == next().text;
    });
    if (found == kBindings.end()) break;
    take();
    left = pair(Kind::kArithmetic, std::string(found->sign), std::move(left), arithmetic(binding + 1));
  }
  return left;
}

ExpressionPtr ExpressionParser::signed_value(bool with_filters) {
  ExpressionPtr value;
  if (next().is_sign("-") || next().is_sign("+")) {
    const Level level(*this);
    Expression whole = made(Kind::kSigned, next().text);
    take();
    whole.parts.push_back(signed_value(false));
    value = finished(std::move(whole));
  } else {
    value = primary();
  }
  value = followed(std::move(value));
  return with_filters ? filtered(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::primary() {
  const Token& token = next();
  switch (token.kind) {
    case Token::Kind::kName:
      return name_or_constant();
    case Token::Kind::kInteger:
    case Token::Kind::kReal:
      return number(take());
    case Token::Kind::kString: {
      Expression text = made(Kind::kConstant);
      std::string content;
      while (next().kind == Token::Kind::kString) content += take().text;  // 'a' 'b'
      text.constant = Value::text(content);
      return finished(std::move(text));
    }
    default:
      break;
  }
  if (takes_sign("(")) return in_parentheses();
  if (takes_sign("[")) return list();
  if (takes_sign("{")) return dict();
  fail("an expression");
}

ExpressionPtr ExpressionParser::name_or_constant() {
  Expression expression = made(Kind::kName, next().text);
  const std::string name = take().text;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    expression.kind = Kind::kConstant;
    expression.constant = Value::flag(name == "true" || name == "True");
  } else if (name == "none" || name == "None") {
    expression.kind = Kind::kConstant;
  } else if (!macros_.empty()) {
    macros_.back()->takes_more |= name == "varargs";
    macros_.back()->takes_named |= name == "kwargs";
    macros_.back()->takes_caller |= name == "caller";
  }
  return finished(std::move(expression));
}

ExpressionPtr ExpressionParser::number(const Token& token) {
  Expression constant = made(Kind::kConstant);
  constant.line = token.line;
  if (token.kind == Token::Kind::kReal) {
    const auto real = real_of(token.text);
    if (!real) fail_at(token.line, fmt::format("expected a number that a double can hold, got {}", token.text));
    constant.constant = Value::real(*real);
    return finished(std::move(constant));
  }
  const char letter = token.text.size() > 1 ? token.text[1] : '0';
  const auto integer = integer_of(token.text, letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10);
  if (!integer) fail_at(token.line, fmt::format("expected a whole number below 2^63, got {}", token.text));
  constant.constant = Value::integer(*integer);
  return finished(std::move(constant));
}

ExpressionPtr ExpressionParser::in_parentheses() {
  if (next().is_sign(")")) {
    Expression empty = made(Kind::kTuple);
    take();
    return finished(std::move(empty));
  }
  auto content = expressions();
  expect_sign(")");
  return content;
}

ExpressionPtr ExpressionParser::list() {
  Expression all = made(Kind::kList);
  while (!takes_sign("]")) {
    if (!all.parts.empty()) expect_sign(",");
    if (takes_sign("]")) break;
    all.parts.push_back(expression());
  }
  return finished(std::move(all));
}

ExpressionPtr ExpressionParser::dict() {
  Expression all = made(Kind::kDict);
  while (!takes_sign("}")) {
    if (!all.parts.empty()) expect_sign(",");
    if (takes_sign("}")) break;
    all.parts.push_back(expression());
    expect_sign(":");
    all.parts.push_back(expression());
  }
  return finished(std::move(all));
}

// What is done with a value: attributes, subscripts and calls.
ExpressionPtr ExpressionParser::followed(ExpressionPtr subject) {
  while (true) {
    if (takes_sign(".")) {
      if (next().kind == Token::Kind::kInteger) {
        auto index = number(take());
        subject = pair(Kind::kSubscript, "", std::move(subject), std::move(index));
      } else {
        Expression attribute = made(Kind::kAttribute, expect_any_name("the name of an attribute"));
        attribute.parts.push_back(std::move(subject));
        subject = finished(std::move(attribute));
      }
    } else if (takes_sign("[")) {
      subject = subscripted(std::move(subject));
    } else if (next().is_sign("(")) {
      Expression call = made(Kind::kCall);
      call.parts.push_back(std::move(subject));
      arguments(call);
      subject = finished(std::move(call));
    } else {
      return subject;
    }
  }
}

ExpressionPtr ExpressionParser::subscripted(ExpressionPtr subject) {
  Expression slice = made(Kind::kSlice);
  std::vector<ExpressionPtr> bounds(3);
  size_t bound = 0;
  while (!next().is_sign("]")) {
    if (takes_sign(":")) {
      if (++bound > 2) fail("\"]\"");
    } else {
      if (bounds[bound]) fail("\"]\"");
      bounds[bound] = expressions();
    }
  }
  take();
  if (bound == 0 && !bounds[0]) fail_at(slice.line, "expected something between [ and ], got nothing");
  if (bound == 0) return pair(Kind::kSubscript, "", std::move(subject), std::move(bounds[0]));
  slice.parts.push_back(std::move(subject));
  for (auto& one : bounds) slice.parts.push_back(std::move(one));
  return finished(std::move(slice));
}

ExpressionPtr ExpressionParser::filtered(ExpressionPtr subject) {
  while (true) {
    if (takes_sign("|")) {
      subject = filter(std::move(subject));
    } else if (takes_name("is")) {
      subject = test(std::move(subject));
    } else if (next().is_sign("(")) {
      subject = followed(std::move(subject));
    } else {
      return subject;
    }
  }
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr subject) {
  Expression made_filter = made(Kind::kFilter, expect_any_name("the name of a filter"));
  made_filter.parts.push_back(std::move(subject));
  if (next().is_sign("(")) arguments(made_filter);
  return finished(std::move(made_filter));
}

ExpressionPtr ExpressionParser::test(ExpressionPtr subject) {
  const bool is_negated = takes_name("not");
  Expression made_test = made(Kind::kTest, expect_any_name("the name of a test"));
  made_test.parts.push_back(std::move(subject));
  const Token& token = next();
  const bool is_value = token.kind == Token::Kind::kString || token.kind == Token::Kind::kInteger ||
                        token.kind == Token::Kind::kReal || token.is_sign("[") || token.is_sign("{");
  constexpr std::array<std::string_view, 6> kNoValues = {"else", "or", "and", "if", "in", "not"};
  const bool is_name =
      token.kind == Token::Kind::kName && std::find(kNoValues.begin(), kNoValues.end(), token.text) == kNoValues.end();
  if (token.is_sign("(")) {
    arguments(made_test);
  } else if (token.is_name("is")) {
    fail("one test, as \"x is a and x is b\"");
  } else if (is_value || is_name) {
    made_test.parts.push_back(followed(primary()));
  }
  auto tested = finished(std::move(made_test));
  if (!is_negated) return tested;
  Expression negated = made(Kind::kNot);
  negated.parts.push_back(std::move(tested));
  return finished(std::move(negated));
}

// "(a, b, c=d)"
void ExpressionParser::arguments(Expression& call) {
  expect_sign("(");
  for (bool is_first = true; !takes_sign(")"); is_first = false) {
    if (!is_first) expect_sign(",");
    if (takes_sign(")")) return;
    if (next().is_sign("*") || next().is_sign("**")) fail("an argument, which cannot be spread here");
    if (next().kind == Token::Kind::kName && tokens_[at_ + 1].is_sign("=")) {
      const std::string name = take().text;
      take();
      call.named.push_back({name, expression()});
    } else {
      if (!call.named.empty()) fail("an argument with a name");
      call.parts.push_back(expression());
    }
  }
}

}  // namespace heterodyne::jinja
