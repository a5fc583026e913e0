// The half of the interpreter that computes values.
#include <fmt/format.h>

#include "heterodyne/data/jinja/filters.h"
#include "heterodyne/data/jinja/interpreter.h"
#include "heterodyne/data/jinja/methods.h"
#include "heterodyne/data/jinja/operators.h"

namespace heterodyne::jinja {

Value Interpreter::value(const Expression& expression, const ScopePtr& scope) {
  const Rendering::Deeper deeper(rendering_);
  rendering_.spend(1);
  rendering_.line = expression.line;
  using Kind = Expression::Kind;
  switch (expression.kind) {
    case Kind::kConstant:
      return expression.constant;
    case Kind::kName: {
      const Value* found = scope->find(expression.name);
      return found ? *found : Value::undefined(expression.name + " is undefined");
    }
    case Kind::kAttribute:
      return attribute(rendering_, value(*expression.parts[0], scope), expression.name);
    case Kind::kSubscript: {
      const Value subject = value(*expression.parts[0], scope);
      return subscript(rendering_, subject, value(*expression.parts[1], scope));
    }
    case Kind::kCall:
      return call(expression, scope, nullptr);
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kConditional:
    case Kind::kCompare:
      return value_of_choice(expression, scope);
    default:
      return value_of_compound(expression, scope);
  }
}

// What does not look at all of its parts.
Value Interpreter::value_of_choice(const Expression& expression, const ScopePtr& scope) {
  using Kind = Expression::Kind;
  const auto& parts = expression.parts;
  if (expression.kind == Kind::kConditional) {
    if (value(*parts[1], scope).is_true()) return value(*parts[0], scope);
    return parts[2] ? value(*parts[2], scope) : Value::undefined("an \"if\" without \"else\" has no value here");
  }
  Value left = value(*parts[0], scope);
  if (expression.kind == Kind::kAnd) return left.is_true() ? value(*parts[1], scope) : left;
  if (expression.kind == Kind::kOr) return left.is_true() ? left : value(*parts[1], scope);
  for (size_t i = 0; i < expression.signs.size(); ++i) {
    Value right = value(*parts[i + 1], scope);
    rendering_.line = expression.line;
    if (!compare(rendering_, expression.signs[i], left, right)) return Value::flag(false);
    left = std::move(right);
  }
  return Value::flag(true);
}

Value Interpreter::value_of_compound(const Expression& expression, const ScopePtr& scope) {
  using Kind = Expression::Kind;
  if (expression.kind == Kind::kList || expression.kind == Kind::kTuple) return made_list(expression, scope);
  if (expression.kind == Kind::kDict) return made_dict(expression, scope);
  const Value first = value(*expression.parts[0], scope);
  const auto at_line = [&] { rendering_.line = expression.line; };
  if (expression.kind == Kind::kNot) return Value::flag(!first.is_true());
  if (expression.kind == Kind::kSigned) return with_sign(rendering_, expression.name, first);
  if (expression.kind == Kind::kArithmetic) {
    const Value second = value(*expression.parts[1], scope);
    at_line();
    return arithmetic(rendering_, expression.name, first, second);
  }
  if (expression.kind == Kind::kSlice) {
    Values given(3);
    for (size_t i = 0; i < 3; ++i) {
      if (expression.parts[i + 1]) given[i] = value(*expression.parts[i + 1], scope);
    }
    at_line();
    const auto bound = [&](size_t i) { return expression.parts[i + 1] ? &given[i] : nullptr; };
    return slice(rendering_, first, {bound(0), bound(1), bound(2)});
  }
  const Arguments given = arguments(expression, scope);
  at_line();
  if (expression.kind == Kind::kFilter) return apply_filter(rendering_, expression.name, first, given);
  return Value::flag(apply_test(rendering_, expression.name, first, given));
}

// The parts behind the first are the arguments.
Arguments Interpreter::arguments(const Expression& call, const ScopePtr& scope) {
  Arguments given;
  for (size_t i = 1; i < call.parts.size(); ++i) given.plain.push_back(value(*call.parts[i], scope));
  for (const auto& [name, one] : call.named) given.named.emplace_back(name, value(*one, scope));
  return given;
}

Value Interpreter::call(const Expression& expression, const ScopePtr& scope, const Value* caller) {
  const Expression& called = *expression.parts[0];
  const bool is_attribute = called.kind == Expression::Kind::kAttribute;
  const Value subject = value(is_attribute ? *called.parts[0] : called, scope);
  const bool is_method = is_attribute && has_method(subject, called.name);
  Value function;
  if (!is_method) function = is_attribute ? attribute(rendering_, subject, called.name) : subject;
  Arguments given = arguments(expression, scope);
  if (caller) given.named.emplace_back("caller", *caller);
  rendering_.line = expression.line;
  if (is_method) return call_method(rendering_, subject, called.name, given);
  Object* object = function.if_object();
  if (object) return object->call(rendering_, given);
  rendering_.fail("expected something that can be called, got " + function.kind_name());
}

Value Interpreter::made_list(const Expression& expression, const ScopePtr& scope) {
  Values items;
  for (const auto& part : expression.parts) items.push_back(value(*part, scope));
  return rendering_.list(std::move(items), expression.kind == Expression::Kind::kTuple);
}

Value Interpreter::made_dict(const Expression& expression, const ScopePtr& scope) {
  std::vector<std::pair<Value, Value>> entries;
  for (size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    Value key = value(*expression.parts[i], scope);
    set_entry(rendering_, entries, std::move(key), value(*expression.parts[i + 1], scope));
  }
  return rendering_.dict(std::move(entries));
}

}  // namespace heterodyne::jinja
