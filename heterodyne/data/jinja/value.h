// Value: what expressions of a template are made of. Values never change, but for the attributes of a namespace; so
// they are shared and cost nothing to hand on. Text is UTF-8 throughout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne::jinja {

class Rendering;
class Object;
struct List;
struct Dict;

class Value {
 public:
  /// none
  Value() = default;
  static Value flag(bool flag) { return Value(flag); }
  static Value integer(int64_t number) { return Value(number); }
  static Value real(double number) { return Value(number); }
  static Value text(std::string text);
  static Value list(List list);
  static Value dict(Dict dict);
  static Value object(std::shared_ptr<Object> object) { return Value(std::move(object)); }
  /// What a name without a value has. `about` says of what there is none: "a list has no element 5".
  static Value undefined(std::string about);
  /// What a tree of JSON or TOML says. Throws FormatError naming `where` when a text is not UTF-8, or lists and tables
  /// lie too deep inside each other.
  static Value of_tree(const heterodyne::Value& tree, const std::string& where);

  const bool* if_flag() const { return std::get_if<bool>(&content_); }
  const int64_t* if_integer() const { return std::get_if<int64_t>(&content_); }
  const double* if_real() const { return std::get_if<double>(&content_); }
  const std::string* if_text() const { return pointed<Text>(); }
  const List* if_list() const { return pointed<std::shared_ptr<const List>>(); }
  const Dict* if_dict() const { return pointed<std::shared_ptr<const Dict>>(); }
  Object* if_object() const { return pointed<std::shared_ptr<Object>>(); }
  bool is_none() const { return std::holds_alternative<std::monostate>(content_); }
  bool is_undefined() const { return std::holds_alternative<Undefined>(content_); }
  /// Of an undefined value: what it is about.
  const std::string& about() const { return *std::get<Undefined>(content_).about; }

  /// True or false counts as 1 or 0.
  std::optional<int64_t> whole() const;
  std::optional<double> number() const;

  /// Everything is true but none, undefined, false, zeros, and what is empty.
  bool is_true() const;
  /// For error texts: "a number", "text", "a list", "a table", "none", "nothing: x is undefined".
  std::string kind_name() const;
  /// How many lists and tables lie inside each other.
  int depth() const;

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Undefined {
    Text about;
  };
  using Content = std::variant<std::monostate, Undefined, bool, int64_t, double, Text, std::shared_ptr<const List>,
                               std::shared_ptr<const Dict>, std::shared_ptr<Object>>;

  template <class T>
  explicit Value(T content) : content_(std::move(content)) {}
  template <class Pointer>
  typename Pointer::element_type* pointed() const {
    const Pointer* found = std::get_if<Pointer>(&content_);
    return found ? found->get() : nullptr;
  }

  Content content_;
};

using Values = std::vector<Value>;

struct List {
  Values items;
  bool is_tuple = false;
  int depth = 1;  // filled in by Value::list()
};

/// Keys are texts, numbers, true, false, none or tuples, in the order in which they came.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  int depth = 1;  // filled in by Value::dict()

  /// The value of a key that is this text, or nullptr.
  const Value* find(std::string_view key) const;
};

/// What a call is given.
struct Arguments {
  Values plain;
  std::vector<std::pair<std::string, Value>> named;
};

/// A value with a life of its own: a namespace, a loop, a macro, a function.
class Object {
 public:
  virtual ~Object() = default;
  /// "a namespace", "a macro"; for error texts and for `{{ }}`.
  virtual std::string kind_name() const = 0;
  virtual std::optional<Value> attribute(const std::string& name) const = 0;
  virtual bool is_callable() const { return false; }
  /// Of the values that it holds: see Value::depth(). A namespace holds what it is told later, and counts as empty.
  virtual int depth() const { return 0; }
  /// Fails unless is_callable().
  virtual Value call(Rendering& rendering, const Arguments& arguments);
};

}  // namespace heterodyne::jinja
