// Operators of templates, as Python has them: equality, order, sums, attributes, subscripts, loops over values.
// What Python would raise an error for fails with the line of the template.
#pragma once

#include <optional>
#include <string>

#include "heterodyne/data/jinja/rendering.h"

namespace heterodyne::jinja {

/// Fails when the value is undefined: "expected a value, got nothing: x is undefined".
void check_defined(const Rendering& rendering, const Value& value);

bool equal(Rendering& rendering, const Value& left, const Value& right);
/// Less than 0, 0, more than 0. Fails unless both are numbers, both texts or both lists.
int order(Rendering& rendering, const Value& left, const Value& right);
/// ==, !=, <, <=, >, >=, in, not in.
bool compare(Rendering& rendering, const std::string& sign, const Value& left, const Value& right);
/// +, -, *, /, //, %, ** and ~.
Value arithmetic(Rendering& rendering, const std::string& sign, const Value& left, const Value& right);
Value with_sign(Rendering& rendering, const std::string& sign, const Value& value);

/// Elements of a list, keys of a table, characters of a text; of an undefined value none.
Values elements(Rendering& rendering, const Value& value);
size_t length(Rendering& rendering, const Value& value);

/// subject.name, an undefined value where there is none. Of a table its methods come first.
Value attribute(Rendering& rendering, const Value& subject, const std::string& name);
/// subject[key], the same.
Value subscript(Rendering& rendering, const Value& subject, const Value& key);
/// An attribute of an attribute: "a.b.0".
Value attribute_path(Rendering& rendering, Value subject, const std::string& path);
/// subject[begin:end:step]; a bound that is not given is nullptr.
struct Bounds {
  const Value* begin = nullptr;
  const Value* end = nullptr;
  const Value* step = nullptr;
};
Value slice(Rendering& rendering, const Value& subject, const Bounds& bounds);

/// Adds the entry, or replaces the value of the key. Fails unless the key can be one.
void set_entry(Rendering& rendering, std::vector<std::pair<Value, Value>>& entries, Value key, Value value);

}  // namespace heterodyne::jinja
