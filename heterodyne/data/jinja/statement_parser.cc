#include "heterodyne/data/jinja/statement_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/text.h"
#include "heterodyne/data/jinja/expression_parser.h"

namespace heterodyne::jinja {
namespace {

using Words = std::vector<std::string>;

class StatementParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Body whole() { return body({}); }

 private:
  using Kind = Statement::Kind;

  static Statement statement(Kind kind, int line) {
    Statement made;
    made.kind = kind;
    made.line = line;
    return made;
  }

  bool begins_block(const Words& words) const {
    return std::find(words.begin(), words.end(), next().text) != words.end();
  }

  // Statements up to a block that begins with one of the words, of which the tag's opening is taken.
  Body body(const Words& ends) {
    const Level level(*this);
    Body statements;
    const int line = block_line_;
    while (true) {
      const Token& token = next();
      if (token.kind == Token::Kind::kText) {
        statements.push_back(statement(Kind::kText, token.line));
        statements.back().text = take().text;
      } else if (token.kind == Token::Kind::kOutputBegin) {
        statements.push_back(statement(Kind::kOutput, token.line));
        take();
        statements.back().values.push_back(expressions());
        expect_end(Token::Kind::kOutputEnd, "\"}}\"");
      } else if (token.kind == Token::Kind::kBlockBegin) {
        take();
        if (begins_block(ends)) return statements;
        statements.push_back(block(ends));
      } else if (ends.empty()) {
        return statements;
      } else {
        fail_at(line, fmt::format("expected {} behind this block, got the end of the template", shown(ends)));
      }
    }
  }

  static std::string shown(const Words& words) {
    Words all;
    for (const auto& word : words) all.push_back("{% " + word + " %}");
    return join(all, " or ");
  }

  void expect_end(Token::Kind kind, const char* mark) {
    if (next().kind != kind) fail(mark);
    take();
  }
  void expect_block_end() { expect_end(Token::Kind::kBlockEnd, "\"%}\""); }

  // The content of a block up to {% end %}, which is taken.
  Body content(const std::string& end) {
    expect_block_end();
    Body inside = body({end});
    take();
    if (end == "endmacro" && next().kind == Token::Kind::kName) take();  // {% endmacro name %}
    expect_block_end();
    return inside;
  }

  Statement block(const Words& ends) {
    const int line = block_line_ = next().line;
    if (takes_name("set")) return set(line);
    if (takes_name("if")) return choice(line);
    if (takes_name("for")) return loop(line);
    if (takes_name("macro")) return macro(line);
    if (takes_name("call")) return call(line);
    if (takes_name("with")) return with(line);
    if (takes_name("filter")) {
      Statement made = statement(Kind::kFilterBlock, line);
      made.values.push_back(block_filters());
      made.bodies.push_back(content("endfilter"));
      return made;
    }
    if (takes_name("generation")) {
      Statement made = statement(Kind::kGroup, line);
      made.bodies.push_back(content("endgeneration"));
      return made;
    }
    if (next().is_name("break") || next().is_name("continue")) {
      if (num_loops_ == 0) fail_at(line, fmt::format("expected {} inside of a loop, got it outside", next().shown()));
      Statement made = statement(next().is_name("break") ? Kind::kBreak : Kind::kContinue, line);
      take();
      expect_block_end();
      return made;
    }
    if (!ends.empty()) fail(fmt::format("{} or another block", shown(ends)));
    fail("one of the blocks set, if, for, macro, call, filter, with, generation, break, continue");
  }

  Statement set(int line) {
    Statement made = statement(Kind::kSet, line);
    made.targets.push_back(target(true));
    if (takes_sign("=")) {
      made.values.push_back(expressions());
      expect_block_end();
      return made;
    }
    made.kind = Kind::kSetBlock;
    made.values.push_back(next().is_sign("|") ? block_filters() : nullptr);
    made.bodies.push_back(content("endset"));
    return made;
  }

  Statement choice(int line) {
    Statement made = statement(Kind::kIf, line);
    while (true) {
      made.values.push_back(expressions());
      expect_block_end();
      made.bodies.push_back(body({"elif", "else", "endif"}));
      if (takes_name("elif")) continue;
      if (takes_name("else")) {
        expect_block_end();
        made.bodies.push_back(body({"endif"}));
      }
      take();
      expect_block_end();
      return made;
    }
  }

  Statement loop(int line) {
    Statement made = statement(Kind::kFor, line);
    made.targets.push_back(target(false));
    if (!takes_name("in")) fail("\"in\"");
    made.values.push_back(expressions(false));
    made.values.push_back(takes_name("if") ? expression() : nullptr);
    if (next().is_name("recursive")) fail("the end of the block, for loops do not call themselves here");
    expect_block_end();
    ++num_loops_;
    made.bodies.push_back(body({"else", "endfor"}));
    --num_loops_;
    if (takes_name("else")) {
      expect_block_end();
      made.bodies.push_back(body({"endfor"}));
    }
    take();
    expect_block_end();
    return made;
  }

  // "(a, b=1)"
  void parameters(MacroSyntax& macro) {
    expect_sign("(");
    while (!takes_sign(")")) {
      if (!macro.parameters.empty()) expect_sign(",");
      if (takes_sign(")")) return;
      macro.parameters.push_back(expect_any_name("the name of a parameter"));
      if (takes_sign("=")) macro.defaults.push_back(expression());
      else if (!macro.defaults.empty() && macro.defaults.back()) fail("a value for this parameter as for the last");
      else macro.defaults.push_back(nullptr);
    }
  }

  void inside(MacroSyntax& macro, const std::string& end) {
    macros_.push_back(&macro);
    const int num_outside = std::exchange(num_loops_, 0);
    macro.body = content(end);
    num_loops_ = num_outside;
    macros_.pop_back();
  }

  Statement macro(int line) {
    Statement made = statement(Kind::kMacro, line);
    auto syntax = std::make_shared<MacroSyntax>();
    syntax->name = expect_any_name("the name of a macro");
    parameters(*syntax);
    inside(*syntax, "endmacro");
    made.macro = std::move(syntax);
    return made;
  }

  Statement call(int line) {
    Statement made = statement(Kind::kCallBlock, line);
    auto syntax = std::make_shared<MacroSyntax>();
    syntax->name = "caller";
    if (next().is_sign("(")) parameters(*syntax);
    made.values.push_back(expression());
    if (made.values.back()->kind != Expression::Kind::kCall) fail_at(line, "expected a call, got another expression");
    inside(*syntax, "endcall");
    made.macro = std::move(syntax);
    return made;
  }

  Statement with(int line) {
    Statement made = statement(Kind::kWith, line);
    while (next().kind != Token::Kind::kBlockEnd) {
      if (!made.targets.empty()) expect_sign(",");
      made.targets.push_back(target_of_one());
      expect_sign("=");
      made.values.push_back(expression());
    }
    made.bodies.push_back(content("endwith"));
    return made;
  }

  ExpressionPtr target_of_one() {
    Expression name;
    name.kind = Expression::Kind::kName;
    name.line = next().line;
    name.name = expect_any_name("a name to assign to");
    return std::make_unique<const Expression>(std::move(name));
  }

  int num_loops_ = 0;
  int block_line_ = 0;  // where the newest block begins
};

}  // namespace

Body parse_template(std::string_view source, const std::string& where) {
  return StatementParser(tokens_of_template(source, where), where).whole();
}

}  // namespace heterodyne::jinja
