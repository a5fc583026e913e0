#include "heterodyne/data/jinja/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/show.h"

namespace heterodyne::jinja {

class Interpreter::Macro : public Object {
 public:
  Macro(Interpreter& interpreter, std::shared_ptr<const MacroSyntax> syntax, ScopePtr written_in)
      : interpreter_(interpreter), syntax_(std::move(syntax)), written_in_(std::move(written_in)) {}
  std::string kind_name() const override { return "the macro " + syntax_->name; }
  std::optional<Value> attribute(const std::string& name) const override {
    return name == "name" ? std::optional(Value::text(syntax_->name)) : std::nullopt;
  }
  bool is_callable() const override { return true; }
  Value call(Rendering&, const Arguments& arguments) override {
    return interpreter_.call_macro(*syntax_, written_in_, arguments);
  }

 private:
  Interpreter& interpreter_;
  std::shared_ptr<const MacroSyntax> syntax_;
  ScopePtr written_in_;
};

// `loop`: where a loop is.
class Interpreter::Loop : public Object {
 public:
  explicit Loop(Values items) : items_(std::move(items)) {
    for (const auto& item : items_) depth_ = std::max(depth_, item.depth() + 1);
  }
  std::string kind_name() const override { return "a loop"; }
  int depth() const override { return depth_; }
  std::optional<Value> attribute(const std::string& name) const override {
    const auto at = static_cast<int64_t>(at_), count = static_cast<int64_t>(items_.size());
    if (name == "index") return Value::integer(at + 1);
    if (name == "index0") return Value::integer(at);
    if (name == "revindex") return Value::integer(count - at);
    if (name == "revindex0") return Value::integer(count - at - 1);
    if (name == "first") return Value::flag(at == 0);
    if (name == "last") return Value::flag(at + 1 == count);
    if (name == "length") return Value::integer(count);
    if (name == "depth") return Value::integer(1);
    if (name == "depth0") return Value::integer(0);
    if (name == "previtem") return at > 0 ? items_[at_ - 1] : Value::undefined("there is no previous element");
    if (name == "nextitem") return at + 1 < count ? items_[at_ + 1] : Value::undefined("there is no next element");
    if (name == "cycle")
      return function_value("cycle", 0, [place = at_](Rendering& rendering, const Arguments& arguments) {
        if (arguments.plain.empty()) rendering.fail("cycle: expected at least one value, got none");
        return arguments.plain[place % arguments.plain.size()];
      });
    return std::nullopt;
  }

  const Values& items() const { return items_; }
  void go_to(size_t at) { at_ = at; }

 private:
  Values items_;
  size_t at_ = 0;
  int depth_ = 1;
};

const Value* Scope::find(const std::string& name) const {
  for (const Scope* scope = this; scope; scope = scope->outside.get()) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return &found->second;
  }
  return nullptr;
}

Interpreter::Interpreter(Rendering& rendering, const Body& body,
                         const std::vector<std::pair<std::string, Value>>& names)
    : rendering_(rendering), body_(body), outermost_(std::make_shared<Scope>()) {
  for (const auto& [name, value] : names) outermost_->names[name] = value;
}

Interpreter::~Interpreter() {
  for (const auto& scope : kept_) scope->names.clear();
}

std::string Interpreter::render() {
  std::string text;
  out_ = &text;
  run(body_, outermost_);
  return text;
}

void Interpreter::write(std::string_view text) {
  rendering_.spend(1 + text.size() / kBytesOfStep);
  rendering_.check_size(out_->size() + text.size());
  *out_ += text;
}

Interpreter::Flow Interpreter::run(const Body& body, const ScopePtr& scope) {
  for (const auto& statement : body) {
    const Flow flow = run(statement, scope);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const Statement& statement, const ScopePtr& scope) {
  const Rendering::Deeper deeper(rendering_);
  rendering_.spend(1);
  rendering_.line = statement.line;
  using Kind = Statement::Kind;
  switch (statement.kind) {
    case Kind::kText:
      write(statement.text);
      break;
    case Kind::kOutput:
      write(text_of(rendering_, value(*statement.values[0], scope)));
      break;
    case Kind::kIf:
      return choose(statement, scope);
    case Kind::kFor:
      return loop(statement, scope);
    case Kind::kSet:
      assign(*statement.targets[0], value(*statement.values[0], scope), scope);
      break;
    case Kind::kSetBlock:
      assign(*statement.targets[0], filtered(statement.values[0], text_of_body(statement.bodies[0], scope), scope),
             scope);
      break;
    case Kind::kMacro:
      scope->names[statement.macro->name] = macro_value(statement.macro, scope);
      break;
    case Kind::kCallBlock:
      call_block(statement, scope);
      break;
    case Kind::kFilterBlock:
      write(text_of(rendering_, filtered(statement.values[0], text_of_body(statement.bodies[0], scope), scope)));
      break;
    case Kind::kWith:
      return with(statement, scope);
    case Kind::kGroup:
      return run(statement.bodies[0], inside(scope));
    case Kind::kBreak:
      return Flow::kBreak;
    case Kind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::choose(const Statement& statement, const ScopePtr& scope) {
  for (size_t i = 0; i < statement.values.size(); ++i) {
    if (value(*statement.values[i], scope).is_true()) return run(statement.bodies[i], scope);
  }
  const bool has_else = statement.bodies.size() > statement.values.size();
  return has_else ? run(statement.bodies.back(), scope) : Flow::kNext;
}

Interpreter::Flow Interpreter::loop(const Statement& statement, const ScopePtr& scope) {
  Values items = elements(rendering_, value(*statement.values[0], scope));
  if (statement.values[1]) {
    Values kept;
    for (auto& item : items) {
      const auto round = inside(scope);
      assign(*statement.targets[0], item, round);
      if (value(*statement.values[1], round).is_true()) kept.push_back(item);
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    if (statement.bodies.size() > 1) return run(statement.bodies[1], inside(scope));
    return Flow::kNext;
  }
  const auto state = std::make_shared<Loop>(std::move(items));
  for (size_t i = 0; i < state->items().size(); ++i) {
    state->go_to(i);
    const auto round = inside(scope);
    round->names["loop"] = Value::object(state);
    rendering_.line = statement.line;
    assign(*statement.targets[0], state->items()[i], round);
    if (run(statement.bodies[0], round) == Flow::kBreak) break;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::with(const Statement& statement, const ScopePtr& scope) {
  const auto within = inside(scope);
  for (size_t i = 0; i < statement.targets.size(); ++i)
    assign(*statement.targets[i], value(*statement.values[i], scope), within);
  return run(statement.bodies[0], within);
}

void Interpreter::call_block(const Statement& statement, const ScopePtr& scope) {
  const Value caller = macro_value(statement.macro, scope);
  write(text_of(rendering_, call(*statement.values[0], scope, &caller)));
}

std::string Interpreter::text_of_body(const Body& body, const ScopePtr& outside) {
  std::string text;
  std::string* const before = std::exchange(out_, &text);
  run(body, inside(outside));  // an error ends the rendering, so nothing looks at out_ afterwards
  out_ = before;
  return text;
}

Value Interpreter::filtered(const ExpressionPtr& filters, std::string text, const ScopePtr& scope) {
  Value block = rendering_.text(std::move(text));
  if (!filters) return block;
  const auto within = inside(scope);
  within->names[kBlockText] = std::move(block);
  return value(*filters, within);
}

void Interpreter::assign(const Expression& target, Value value, const ScopePtr& scope) {
  rendering_.spend(1);
  if (target.kind == Expression::Kind::kName) {
    scope->names[target.name] = std::move(value);
    return;
  }
  if (target.kind == Expression::Kind::kAttribute) {
    const std::string& name = target.parts[0]->name;
    const Value* found = scope->find(name);
    auto* space = found ? dynamic_cast<Namespace*>(found->if_object()) : nullptr;
    if (!space)
      rendering_.fail(fmt::format("{0}.{1}: expected {0} to be a namespace, got {2}", name, target.name,
                                  found ? found->kind_name() : "nothing"));
    space->set(target.name, std::move(value));
    return;
  }
  const Values items = elements(rendering_, value);
  if (items.size() != target.parts.size())
    rendering_.fail(fmt::format("expected {} values for as many names, got {}", target.parts.size(), items.size()));
  for (size_t i = 0; i < items.size(); ++i) assign(*target.parts[i], items[i], scope);
}

Value Interpreter::macro_value(const std::shared_ptr<const MacroSyntax>& macro, const ScopePtr& scope) {
  if (kept_.empty() || kept_.back() != scope) kept_.push_back(scope);
  return Value::object(std::make_shared<Macro>(*this, macro, scope));
}

Value Interpreter::call_macro(const MacroSyntax& macro, const ScopePtr& written_in, const Arguments& arguments) {
  const Rendering::Deeper deeper(rendering_);
  const int line = rendering_.line;
  const auto within = inside(written_in);
  auto& names = within->names;
  Values more;
  for (size_t i = 0; i < arguments.plain.size(); ++i) {
    if (i < macro.parameters.size()) names[macro.parameters[i]] = arguments.plain[i];
    else more.push_back(arguments.plain[i]);
  }
  if (!more.empty() && !macro.takes_more)
    rendering_.fail(fmt::format("{}: expected at most {} arguments, got {}", macro.name, macro.parameters.size(),
                                arguments.plain.size()));
  std::vector<std::pair<Value, Value>> named;
  for (const auto& [name, given] : arguments.named) {
    const bool is_parameter =
        std::find(macro.parameters.begin(), macro.parameters.end(), name) != macro.parameters.end();
    if (is_parameter && names.contains(name))
      rendering_.fail(fmt::format("{}: {}: expected one value, got two", macro.name, name));
    if (is_parameter || (name == "caller" && macro.takes_caller)) names[name] = given;
    else if (macro.takes_named) set_entry(rendering_, named, Value::text(name), given);
    else rendering_.fail(fmt::format("{}: {}: there is no such argument", macro.name, name));
  }
  if (macro.takes_more) names["varargs"] = rendering_.list(std::move(more), true);
  if (macro.takes_named) names["kwargs"] = rendering_.dict(std::move(named));
  if (macro.takes_caller && !names.contains("caller")) names["caller"] = Value::undefined("there is no caller");
  for (size_t i = 0; i < macro.parameters.size(); ++i) {
    const std::string& name = macro.parameters[i];
    if (names.contains(name)) continue;
    names[name] = macro.defaults[i] ? value(*macro.defaults[i], within)
                                    : Value::undefined(fmt::format("{} was called without \"{}\"", macro.name, name));
  }
  std::string text;
  std::string* const before = std::exchange(out_, &text);
  run(macro.body, within);
  out_ = before;
  rendering_.line = line;
  return rendering_.text(std::move(text));
}

}  // namespace heterodyne::jinja
