// Tests: what stands behind `is`.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "heterodyne/base/text.h"
#include "heterodyne/data/jinja/filters.h"
#include "heterodyne/data/jinja/functions.h"
#include "heterodyne/data/jinja/methods.h"
#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/show.h"

namespace heterodyne::jinja {
namespace {

// Tests that compare with an argument, and the sign that means the same.
constexpr std::array<std::pair<std::string_view, const char*>, 17> kComparing = {{{"eq", "=="},
                                                                                  {"equalto", "=="},
                                                                                  {"==", "=="},
                                                                                  {"ne", "!="},
                                                                                  {"!=", "!="},
                                                                                  {"lt", "<"},
                                                                                  {"<", "<"},
                                                                                  {"lessthan", "<"},
                                                                                  {"le", "<="},
                                                                                  {"<=", "<="},
                                                                                  {"gt", ">"},
                                                                                  {">", ">"},
                                                                                  {"ge", ">="},
                                                                                  {">=", ">="},
                                                                                  {"in", "in"},
                                                                                  {"greaterthan", ">"},
                                                                                  {"sameas", "sameas"}}};

using Ask = bool (*)(const Value& value);
constexpr std::array<std::pair<std::string_view, Ask>, 15> kAsking = {{
    {"defined", [](const Value& value) { return !value.is_undefined(); }},
    {"undefined", [](const Value& value) { return value.is_undefined(); }},
    {"none", [](const Value& value) { return value.is_none(); }},
    {"boolean", [](const Value& value) { return value.if_flag() != nullptr; }},
    {"true", [](const Value& value) { return value.if_flag() && *value.if_flag(); }},
    {"false", [](const Value& value) { return value.if_flag() && !*value.if_flag(); }},
    {"integer", [](const Value& value) { return value.if_integer() != nullptr; }},
    {"float", [](const Value& value) { return value.if_real() != nullptr; }},
    {"number", [](const Value& value) { return value.number().has_value(); }},
    {"string", [](const Value& value) { return value.if_text() != nullptr; }},
    {"mapping", [](const Value& value) { return value.if_dict() != nullptr; }},
    {"iterable",
     [](const Value& value) { return value.if_list() || value.if_dict() || value.if_text() || value.is_undefined(); }},
    {"sequence",
     [](const Value& value) { return value.if_list() || value.if_dict() || value.if_text() || value.is_undefined(); }},
    {"callable", [](const Value& value) { return value.if_object() && value.if_object()->is_callable(); }},
    {"escaped", [](const Value&) { return false; }},
}};

bool is_same(const Value& left, const Value& right) {
  if (left.if_object() || right.if_object()) return left.if_object() == right.if_object();
  if (left.if_list() || right.if_list()) return left.if_list() == right.if_list();
  if (left.if_dict() || right.if_dict()) return left.if_dict() == right.if_dict();
  if (left.if_text() && right.if_text()) return *left.if_text() == *right.if_text();
  if (left.if_flag() && right.if_flag()) return *left.if_flag() == *right.if_flag();
  if (left.if_integer() && right.if_integer()) return *left.if_integer() == *right.if_integer();
  return left.is_none() && right.is_none();
}

// even, odd and divisibleby.
bool divides(Rendering& rendering, const std::string& name, const Value& subject, const Arguments& arguments) {
  int64_t divisor = 2;
  if (name == "divisibleby") divisor = Given(rendering, name, arguments, {"num"}, 1).integer(0, 1);
  if (divisor == 0) rendering.fail("divisibleby: num: expected a number other than 0, got 0");
  const bool is_rest = *arithmetic(rendering, "%", subject, Value::integer(divisor)).number() != 0;
  return is_rest == (name == "odd");
}

}  // namespace

bool apply_test(Rendering& rendering, const std::string& name, const Value& subject, const Arguments& arguments) {
  rendering.spend(1);
  const auto is_named = [&](const auto& known) { return known.first == name; };
  if (const auto found = std::find_if(kAsking.begin(), kAsking.end(), is_named); found != kAsking.end()) {
    const Given none(rendering, name, arguments, {});
    return found->second(subject);
  }
  if (const auto found = std::find_if(kComparing.begin(), kComparing.end(), is_named); found != kComparing.end()) {
    const Given given(rendering, name, arguments, {"other"}, 1);
    if (name == "sameas") return is_same(subject, *given.find(0));
    return compare(rendering, found->second, subject, *given.find(0));
  }
  if (name == "even" || name == "odd" || name == "divisibleby") {
    if (!subject.number()) rendering.fail(fmt::format("{}: expected a number, got {}", name, subject.kind_name()));
    return divides(rendering, name, subject, arguments);
  }
  if (name == "lower" || name == "upper")
    return call_method(rendering, rendering.text(text_of(rendering, subject)), "is" + name, {}).is_true();
  std::vector<std::string> names = {"even", "odd", "divisibleby", "lower", "upper"};
  for (const auto& known : kAsking) names.emplace_back(known.first);
  for (const auto& known : kComparing) names.emplace_back(known.first);
  const std::string close = nearest(name, names);
  rendering.fail(fmt::format("expected a test behind \"is\", got \"{}\", which is not known{}", name,
                             close.empty() ? "" : "; nearest: \"" + close + "\""));
}

}  // namespace heterodyne::jinja
