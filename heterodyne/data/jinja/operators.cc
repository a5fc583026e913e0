#include "heterodyne/data/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/data/jinja/methods.h"
#include "heterodyne/data/jinja/show.h"
#include "heterodyne/data/jinja/text.h"

namespace heterodyne::jinja {
namespace {

std::string kinds_of(const Value& left, const Value& right) { return left.kind_name() + " and " + right.kind_name(); }

bool are_equal_dicts(Rendering& rendering, const Dict& left, const Dict& right) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    const auto found = std::find_if(right.entries.begin(), right.entries.end(),
                                    [&](const auto& other) { return equal(rendering, key, other.first); });
    if (found == right.entries.end() || !equal(rendering, value, found->second)) return false;
  }
  return true;
}

const Value* find_entry(Rendering& rendering, const std::vector<std::pair<Value, Value>>& entries, const Value& key) {
  for (const auto& [name, value] : entries) {
    if (equal(rendering, name, key)) return &value;
  }
  return nullptr;
}

bool contains(Rendering& rendering, const Value& container, const Value& item) {
  if (const std::string* text = container.if_text()) {
    const std::string* part = item.if_text();
    if (!part) rendering.fail("expected text before \"in\" as behind it, got " + item.kind_name());
    rendering.spend(1 + (text->size() + part->size()) / kBytesOfStep);
    return find_text(*text, *part) != std::string::npos;
  }
  if (const Dict* dict = container.if_dict()) return find_entry(rendering, dict->entries, item) != nullptr;
  if (const List* list = container.if_list())
    return std::any_of(list->items.begin(), list->items.end(),
                       [&](const Value& other) { return equal(rendering, other, item); });
  if (container.is_undefined()) return false;
  rendering.fail("expected a list, a table or text behind \"in\", got " + container.kind_name());
}

// left ** right for whole numbers, right at least 0; nothing beyond 2^63.
std::optional<int64_t> power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return std::nullopt;
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
  return result;
}

// Nothing where int64 is too small.
std::optional<int64_t> whole_arithmetic(const std::string& sign, int64_t left, int64_t right) {
  int64_t result = 0;
  if (sign == "+") return __builtin_add_overflow(left, right, &result) ? std::nullopt : std::optional(result);
  if (sign == "-") return __builtin_sub_overflow(left, right, &result) ? std::nullopt : std::optional(result);
  if (sign == "*") return __builtin_mul_overflow(left, right, &result) ? std::nullopt : std::optional(result);
  if (sign == "**") return power(left, right);
  if (right == -1) {  // the smallest number has no counterpart
    if (sign == "%") return 0;
    return __builtin_sub_overflow(int64_t{0}, left, &result) ? std::nullopt : std::optional(result);
  }
  const int64_t quotient = left / right, rest = left % right;
  const bool rounds_down = rest != 0 && (rest < 0) != (right < 0);
  if (sign == "%") return rounds_down ? rest + right : rest;
  return rounds_down ? quotient - 1 : quotient;
}

Value of_numbers(Rendering& rendering, const std::string& sign, const Value& left, const Value& right) {
  const double a = *left.number(), b = *right.number();
  const bool divides = sign == "/" || sign == "//" || sign == "%";
  if (b == 0 && divides) rendering.fail("expected a divisor, got 0");
  const auto m = left.whole(), n = right.whole();
  if (m && n && sign != "/" && !(sign == "**" && *n < 0)) {
    const auto result = whole_arithmetic(sign, *m, *n);
    if (!result) rendering.fail("expected a whole number below 2^63, got a larger one");
    return Value::integer(*result);
  }
  if (sign == "+") return Value::real(a + b);
  if (sign == "-") return Value::real(a - b);
  if (sign == "*") return Value::real(a * b);
  if (sign == "/") return Value::real(a / b);
  if (sign == "//") return Value::real(std::floor(a / b));
  if (sign == "**") {
    if (a == 0 && b < 0) rendering.fail("expected a divisor, got 0");
    return Value::real(std::pow(a, b));
  }
  const double rest = std::fmod(a, b);
  return Value::real(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

Value repeated(Rendering& rendering, const Value& value, int64_t count) {
  const auto times = static_cast<size_t>(std::clamp<int64_t>(count, 0, int64_t{1} << 32U));
  if (const std::string* text = value.if_text()) {
    if (times > 0 && !text->empty()) rendering.check_size(std::max(times, times * text->size()));
    Builder builder(rendering);
    for (size_t i = 0; i < times && !text->empty(); ++i) builder.add(*text);
    return builder.value();
  }
  const List* list = value.if_list();
  Values items;
  for (size_t i = 0; i < times && !list->items.empty(); ++i) {
    rendering.spend(8 * list->items.size());
    items.insert(items.end(), list->items.begin(), list->items.end());
  }
  return rendering.list(std::move(items), list->is_tuple);
}

Value index_of(Rendering& rendering, const Value& subject, int64_t index) {
  const std::string* text = subject.if_text();
  const List* list = subject.if_list();
  const auto size = static_cast<int64_t>(length(rendering, subject));
  const int64_t place = index < 0 ? index + size : index;
  if (place < 0 || place >= size)
    return Value::undefined(fmt::format("{} has no element {}", list ? "the list" : "the text", index));
  if (list) return list->items[static_cast<size_t>(place)];
  rendering.spend(1 + text->size() / kBytesOfStep);
  return rendering.text(std::string(characters_of(*text)[static_cast<size_t>(place)]));
}

// What subject.name or subject["name"] is where it is no entry: a method, or nothing.
Value method_or_nothing(const Value& subject, const std::string& name) {
  if (has_method(subject, name)) return bound_method(subject, name);
  return Value::undefined(fmt::format("{} has no \"{}\"",
                                      subject.if_dict()   ? "the table"
                                      : subject.if_text() ? "the text"
                                                          : subject.kind_name(),
                                      name));
}

int64_t bound_of(Rendering& rendering, const Value* bound, int64_t otherwise) {
  if (!bound || bound->is_none()) return otherwise;
  const auto number = bound->whole();
  if (!number) rendering.fail("expected a whole number in [ : ], got " + bound->kind_name());
  return *number;
}

}  // namespace

void check_defined(const Rendering& rendering, const Value& value) {
  if (value.is_undefined()) rendering.fail("expected a value, got " + value.kind_name());
}

bool equal(Rendering& rendering, const Value& left, const Value& right) {
  const Rendering::Deeper deeper(rendering);
  rendering.spend(1);
  const auto a = left.number(), b = right.number();
  if (a || b) return a && b && *a == *b;
  if (left.if_text() && right.if_text()) {
    if (left.if_text() == right.if_text()) return true;
    rendering.spend(std::min(left.if_text()->size(), right.if_text()->size()) / kBytesOfStep);
    return *left.if_text() == *right.if_text();
  }
  if (const List *first = left.if_list(), *second = right.if_list(); first && second)
    return first->is_tuple == second->is_tuple &&
           std::equal(first->items.begin(), first->items.end(), second->items.begin(), second->items.end(),
                      [&](const Value& x, const Value& y) { return equal(rendering, x, y); });
  if (left.if_dict() && right.if_dict()) return are_equal_dicts(rendering, *left.if_dict(), *right.if_dict());
  if (left.if_object() || right.if_object()) return left.if_object() == right.if_object();
  return (left.is_none() && right.is_none()) || (left.is_undefined() && right.is_undefined());
}

int order(Rendering& rendering, const Value& left, const Value& right) {
  const Rendering::Deeper deeper(rendering);
  rendering.spend(1);
  check_defined(rendering, left);
  check_defined(rendering, right);
  const auto a = left.number(), b = right.number();
  if (a && b) return *a < *b ? -1 : *a > *b ? 1 : 0;
  const std::string *text = left.if_text(), *other = right.if_text();
  if (text && other) {
    rendering.spend(std::min(text->size(), other->size()) / kBytesOfStep);
    return text->compare(*other);
  }
  const List *first = left.if_list(), *second = right.if_list();
  if (!first || !second || first->is_tuple != second->is_tuple)
    rendering.fail("expected two numbers or two texts to compare, got " + kinds_of(left, right));
  const size_t common = std::min(first->items.size(), second->items.size());
  for (size_t i = 0; i < common; ++i) {
    if (!equal(rendering, first->items[i], second->items[i]))
      return order(rendering, first->items[i], second->items[i]);
  }
  return first->items.size() < second->items.size() ? -1 : first->items.size() > second->items.size() ? 1 : 0;
}

bool compare(Rendering& rendering, const std::string& sign, const Value& left, const Value& right) {
  if (sign == "==") return equal(rendering, left, right);
  if (sign == "!=") return !equal(rendering, left, right);
  if (sign == "in") return contains(rendering, right, left);
  if (sign == "not in") return !contains(rendering, right, left);
  const auto a = left.number(), b = right.number();
  if (a && b && (std::isnan(*a) || std::isnan(*b))) return false;
  const int found = order(rendering, left, right);
  if (sign == "<") return found < 0;
  if (sign == "<=") return found <= 0;
  return sign == ">" ? found > 0 : found >= 0;
}

Value arithmetic(Rendering& rendering, const std::string& sign, const Value& left, const Value& right) {
  if (sign == "~") return Builder(rendering).add(text_of(rendering, left)).add(text_of(rendering, right)).value();
  check_defined(rendering, left);
  check_defined(rendering, right);
  if (left.number() && right.number()) return of_numbers(rendering, sign, left, right);
  if (sign == "+" && left.if_text() && right.if_text())
    return Builder(rendering).add(*left.if_text()).add(*right.if_text()).value();
  const List *first = left.if_list(), *second = right.if_list();
  if (sign == "+" && first && second && first->is_tuple == second->is_tuple) {
    rendering.spend(8 * (first->items.size() + second->items.size()));
    Values items = first->items;
    items.insert(items.end(), second->items.begin(), second->items.end());
    return rendering.list(std::move(items), first->is_tuple);
  }
  if (sign == "*" && (left.if_text() || first) && right.whole()) return repeated(rendering, left, *right.whole());
  if (sign == "*" && (right.if_text() || second) && left.whole()) return repeated(rendering, right, *left.whole());
  const std::string hint = sign == "+" && (left.if_text() || right.if_text()) ? "; \"~\" joins any two as text" : "";
  rendering.fail(fmt::format("expected values that \"{}\" goes with, got {}{}", sign, kinds_of(left, right), hint));
}

Value with_sign(Rendering& rendering, const std::string& sign, const Value& value) {
  check_defined(rendering, value);
  if (!value.number()) rendering.fail(fmt::format("expected a number behind \"{}\", got {}", sign, value.kind_name()));
  return arithmetic(rendering, sign, Value::integer(0), value);
}

Values elements(Rendering& rendering, const Value& value) {
  if (const List* list = value.if_list()) {
    rendering.spend(1 + list->items.size());
    return list->items;
  }
  Values all;
  if (const Dict* dict = value.if_dict()) {
    rendering.spend(1 + dict->entries.size());
    for (const auto& [key, unused] : dict->entries) all.push_back(key);
  } else if (const std::string* text = value.if_text()) {
    constexpr size_t kStepsOfCharacter = 8;
    rendering.spend(1 + kStepsOfCharacter * num_characters(*text));
    for (const auto character : characters_of(*text)) all.push_back(Value::text(std::string(character)));
  } else if (!value.is_undefined()) {
    rendering.fail("expected a list, a table or text to go through, got " + value.kind_name());
  }
  return all;
}

size_t length(Rendering& rendering, const Value& value) {
  if (const std::string* text = value.if_text()) {
    rendering.spend(1 + text->size() / kBytesOfStep);
    return num_characters(*text);
  }
  if (const List* list = value.if_list()) return list->items.size();
  if (const Dict* dict = value.if_dict()) return dict->entries.size();
  if (!value.is_undefined()) rendering.fail("expected a list, a table or text to count, got " + value.kind_name());
  return 0;
}

Value attribute(Rendering& rendering, const Value& subject, const std::string& name) {
  check_defined(rendering, subject);
  rendering.spend(1);
  if (const Object* object = subject.if_object()) {
    const auto found = object->attribute(name);
    return found ? *found : Value::undefined(fmt::format("{} has no \"{}\"", object->kind_name(), name));
  }
  const Dict* dict = subject.if_dict();
  if (dict && !has_method(subject, name)) {
    rendering.spend(dict->entries.size());
    if (const Value* found = dict->find(name)) return *found;
  }
  return method_or_nothing(subject, name);
}

Value subscript(Rendering& rendering, const Value& subject, const Value& key) {
  check_defined(rendering, subject);
  rendering.spend(1);
  const std::string* name = key.if_text();
  if (const Dict* dict = subject.if_dict()) {
    if (const Value* found = find_entry(rendering, dict->entries, key)) return *found;
    return name ? method_or_nothing(subject, *name)
                : Value::undefined("the table has no " + quoted_value(rendering, key));
  }
  if (const auto index = key.whole(); index && (subject.if_list() || subject.if_text()))
    return index_of(rendering, subject, *index);
  if (name) return attribute(rendering, subject, *name);
  return Value::undefined(fmt::format("{} has no {}", subject.kind_name(), quoted_value(rendering, key)));
}

Value attribute_path(Rendering& rendering, Value subject, const std::string& path) {
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const auto index = integer_of(part, 10);
    subject = subscript(rendering, subject, index ? Value::integer(*index) : Value::text(part));
    begin = end + 1;
  }
  return subject;
}

Value slice(Rendering& rendering, const Value& subject, const Bounds& bounds) {
  check_defined(rendering, subject);
  const List* list = subject.if_list();
  const std::string* text = subject.if_text();
  if (!list && !text) rendering.fail("expected a list or text before [ : ], got " + subject.kind_name());
  const int64_t step = bound_of(rendering, bounds.step, 1);
  if (step == 0) rendering.fail("expected a step other than 0 in [ : : ], got 0");
  const auto size = static_cast<int64_t>(length(rendering, subject));
  const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
  const auto place = [&](const Value* bound, int64_t otherwise) {
    if (!bound || bound->is_none()) return otherwise;
    const int64_t given = bound_of(rendering, bound, 0);
    return std::clamp(given < 0 ? given + size : given, lowest, highest);
  };
  const int64_t begin = place(bounds.begin, step > 0 ? 0 : size - 1), end = place(bounds.end, step > 0 ? size : -1);
  const int64_t distance = step > 0 ? end - begin : begin - end;
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  const uint64_t count = distance <= 0 ? 0 : (static_cast<uint64_t>(distance) + stride - 1) / stride;
  const auto at = [&](uint64_t i) {
    const uint64_t offset = i * stride;
    return static_cast<size_t>(step > 0 ? static_cast<uint64_t>(begin) + offset
                                        : static_cast<uint64_t>(begin) - offset);
  };
  rendering.spend(1 + static_cast<size_t>(count));
  if (list) {
    Values items;
    for (uint64_t i = 0; i < count; ++i) items.push_back(list->items[at(i)]);
    return rendering.list(std::move(items), list->is_tuple);
  }
  rendering.spend(num_characters(*text));
  const auto characters = characters_of(*text);
  Builder builder(rendering);
  for (uint64_t i = 0; i < count; ++i) builder.add(characters[at(i)]);
  return builder.value();
}

void set_entry(Rendering& rendering, std::vector<std::pair<Value, Value>>& entries, Value key, Value value) {
  const List* list = key.if_list();
  if (key.is_undefined() || key.if_dict() || key.if_object() || (list && !list->is_tuple))
    rendering.fail("expected text, a number or the like as a key, got " + key.kind_name());
  for (auto& [name, old] : entries) {
    if (!equal(rendering, name, key)) continue;
    old = std::move(value);
    return;
  }
  entries.emplace_back(std::move(key), std::move(value));
}

}  // namespace heterodyne::jinja
