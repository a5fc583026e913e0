// ExpressionParser: the expressions of a template from its tokens, by the precedence that Jinja has. From loose to
// tight: if else, or, and, not, comparisons and in, + -, ~, * / // %, **, signs, then . [] (), filters and tests.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/data/jinja/lexer.h"
#include "heterodyne/data/jinja/syntax.h"

namespace heterodyne::jinja {

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, std::string where)
      : tokens_(std::move(tokens)), where_(std::move(where)) {}

  /// One expression. Each throws FormatError "[where] line 7: expected ..., got ..." for others, and when expressions
  /// lie too deep inside each other.
  ExpressionPtr expression(bool may_be_conditional = true);
  /// One or, with commas between them, several, which make a tuple.
  ExpressionPtr expressions(bool may_be_conditional = true);
  /// What is assigned to: a name, an attribute of a name where `may_be_attribute`, or several names.
  ExpressionPtr target(bool may_be_attribute);
  /// The filters of "| upper | trim", or without the first "|", on the text of a block.
  ExpressionPtr block_filters();

  const Token& next() const { return tokens_[at_]; }
  const Token& take() { return next().kind == Token::Kind::kEnd ? tokens_[at_] : tokens_[at_++]; }
  /// Whether the sign, or the name, was there; it is taken.
  bool takes_sign(std::string_view sign);
  bool takes_name(std::string_view name);
  void expect_sign(std::string_view sign);
  std::string expect_any_name(const char* what);
  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail_at(int line, const std::string& message) const;

  /// Counts levels, of statements too.
  class Level {
   public:
    explicit Level(ExpressionParser& parser);
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ExpressionParser& parser_;
  };

 protected:
  /// The macros inside of which the parser is; they are told which special names they use.
  std::vector<MacroSyntax*> macros_;

 private:
  using Kind = Expression::Kind;

  ExpressionPtr conditional();
  ExpressionPtr disjunction();
  ExpressionPtr conjunction();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr arithmetic(int binding);
  ExpressionPtr signed_value(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr name_or_constant();
  ExpressionPtr number(const Token& token);
  ExpressionPtr in_parentheses();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr followed(ExpressionPtr subject);
  ExpressionPtr subscripted(ExpressionPtr subject);
  ExpressionPtr filtered(ExpressionPtr subject);
  ExpressionPtr filter(ExpressionPtr subject);
  ExpressionPtr test(ExpressionPtr subject);
  void arguments(Expression& call);

  bool ends_expressions() const;
  Expression made(Kind kind, std::string name = "") const;
  ExpressionPtr finished(Expression made) const;
  ExpressionPtr pair(Kind kind, const std::string& name, ExpressionPtr left, ExpressionPtr right) const;

  std::vector<Token> tokens_;
  std::string where_;
  size_t at_ = 0;
  int level_ = 0;
};

}  // namespace heterodyne::jinja
