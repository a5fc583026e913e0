// Interpreter: goes through a syntax tree and writes what it says.
//
// Names are looked up from the innermost scope outwards. A loop's round, a macro's call, the inside of `with` and of a
// block that is kept as text have scopes of their own, `if` has none. What a macro sees besides its parameters are the
// names of the place where it was written.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/data/jinja/functions.h"
#include "heterodyne/data/jinja/syntax.h"

namespace heterodyne::jinja {

struct Scope {
  std::shared_ptr<Scope> outside;
  std::map<std::string, Value> names = {};

  /// The value of the name here or further outside, or nullptr.
  const Value* find(const std::string& name) const;
};

class Interpreter {
 public:
  /// `body` must outlive it.
  Interpreter(Rendering& rendering, const Body& body, const std::vector<std::pair<std::string, Value>>& names);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  std::string render();

 private:
  class Macro;
  class Loop;
  enum class Flow { kNext, kBreak, kContinue };
  using ScopePtr = std::shared_ptr<Scope>;

  // Statements: interpreter.cc.
  Flow run(const Body& body, const ScopePtr& scope);
  Flow run(const Statement& statement, const ScopePtr& scope);
  Flow choose(const Statement& statement, const ScopePtr& scope);
  Flow loop(const Statement& statement, const ScopePtr& scope);
  Flow with(const Statement& statement, const ScopePtr& scope);
  void call_block(const Statement& statement, const ScopePtr& scope);
  std::string text_of_body(const Body& body, const ScopePtr& outside);
  Value filtered(const ExpressionPtr& filters, std::string text, const ScopePtr& scope);
  void assign(const Expression& target, Value value, const ScopePtr& scope);
  void write(std::string_view text);
  Value call_macro(const MacroSyntax& macro, const ScopePtr& written_in, const Arguments& arguments);
  Value macro_value(const std::shared_ptr<const MacroSyntax>& macro, const ScopePtr& scope);
  ScopePtr inside(const ScopePtr& outside) const { return std::make_shared<Scope>(Scope{outside}); }

  // Expressions: interpreter_of_expressions.cc.
  Value value(const Expression& expression, const ScopePtr& scope);
  Value value_of_compound(const Expression& expression, const ScopePtr& scope);
  Value value_of_choice(const Expression& expression, const ScopePtr& scope);
  Value call(const Expression& expression, const ScopePtr& scope, const Value* caller);
  Value made_list(const Expression& expression, const ScopePtr& scope);
  Value made_dict(const Expression& expression, const ScopePtr& scope);
  Arguments arguments(const Expression& call, const ScopePtr& scope);

  Rendering& rendering_;
  const Body& body_;
  ScopePtr outermost_;
  std::vector<ScopePtr> kept_;  // scopes that macros see, and that may hold those macros: emptied at the end
  std::string* out_ = nullptr;
};

}  // namespace heterodyne::jinja
