#include "heterodyne/data/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/data/jinja/rendering.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

Value value_of_tree(const heterodyne::Value& tree, const std::string& where, int depth) {
  if (depth > kMostNested)
    throw FormatError(where,
                      fmt::format("expected at most {} lists and tables inside each other, got more", kMostNested));
  if (const bool* flag = tree.if_flag()) return Value::flag(*flag);
  if (const int64_t* number = tree.if_integer()) return Value::integer(*number);
  if (const double* number = tree.if_real()) return Value::real(*number);
  if (const std::string* text = tree.if_text()) {
    tokens::check_utf8(*text, where);
    return Value::text(*text);
  }
  if (const Array* items = tree.if_array()) {
    List list;
    for (const auto& item : *items) list.items.push_back(value_of_tree(item, where, depth + 1));
    return Value::list(std::move(list));
  }
  if (const Table* table = tree.if_table()) {
    Dict dict;
    for (const auto& [key, value] : table->entries()) {
      tokens::check_utf8(key, where);
      dict.entries.emplace_back(Value::text(key), value_of_tree(value, where, depth + 1));
    }
    return Value::dict(std::move(dict));
  }
  return {};
}

}  // namespace

Value Value::text(std::string text) { return Value(std::make_shared<const std::string>(std::move(text))); }

Value Value::undefined(std::string about) {
  return Value(Undefined{std::make_shared<const std::string>(std::move(about))});
}

Value Value::list(List list) {
  for (const auto& item : list.items) list.depth = std::max(list.depth, item.depth() + 1);
  return Value(std::make_shared<const List>(std::move(list)));
}

Value Value::dict(Dict dict) {
  for (const auto& [key, value] : dict.entries) dict.depth = std::max({dict.depth, key.depth() + 1, value.depth() + 1});
  return Value(std::make_shared<const Dict>(std::move(dict)));
}

Value Value::of_tree(const heterodyne::Value& tree, const std::string& where) { return value_of_tree(tree, where, 0); }

std::optional<int64_t> Value::whole() const {
  if (const bool* flag = if_flag()) return *flag ? 1 : 0;
  if (const int64_t* integer = if_integer()) return *integer;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (const double* real = if_real()) return *real;
  if (const auto integer = whole()) return static_cast<double>(*integer);
  return std::nullopt;
}

bool Value::is_true() const {
  if (const auto value = number()) return *value != 0;
  if (const std::string* text = if_text()) return !text->empty();
  if (const List* list = if_list()) return !list->items.empty();
  if (const Dict* dict = if_dict()) return !dict->entries.empty();
  return if_object() != nullptr;
}

std::string Value::kind_name() const {
  if (is_undefined()) return "nothing: " + about();
  if (is_none()) return "none";
  if (if_flag()) return "true or false";
  if (if_integer() || if_real()) return "a number";
  if (if_text()) return "text";
  if (if_dict()) return "a table";
  if (const List* list = if_list()) return list->is_tuple ? "a tuple" : "a list";
  return if_object()->kind_name();
}

int Value::depth() const {
  if (const List* list = if_list()) return list->depth;
  if (const Dict* dict = if_dict()) return dict->depth;
  const Object* object = if_object();
  return object ? object->depth() : 0;
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    const std::string* text = name.if_text();
    if (text && *text == key) return &value;
  }
  return nullptr;
}

Value Object::call(Rendering& rendering, const Arguments&) {
  rendering.fail("expected something that can be called, got " + kind_name());
}

}  // namespace heterodyne::jinja
