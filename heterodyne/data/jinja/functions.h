// What templates can call: functions of C++ with named arguments, and those that every template has.
#pragma once

#include <ctime>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "heterodyne/data/jinja/rendering.h"

namespace heterodyne::jinja {

/// The arguments of a call, by the names of its parameters.
class Given {
 public:
  /// Fails when there are more than `names`, one has another name or is given twice, or the first `num_needed` are not
  /// all there. `what` is the name of what is called.
  Given(Rendering& rendering, std::string what, const Arguments& arguments, std::initializer_list<const char*> names,
        size_t num_needed = 0);

  /// The argument at `place` of the names, or nullptr. Also nullptr for none where `or_none`.
  const Value* find(size_t place, bool or_none = false) const;
  bool has(size_t place) const { return find(place) != nullptr; }
  // Each fails when the argument is of another type.
  std::string text(size_t place, const std::string& otherwise) const;
  std::optional<std::string> text_or_none(size_t place) const;
  int64_t integer(size_t place, int64_t otherwise) const;
  bool flag(size_t place, bool otherwise) const;

 private:
  [[noreturn]] void fail(size_t place, const char* expected) const;

  Rendering& rendering_;
  std::string what_;
  std::vector<const char*> names_;
  std::vector<const Value*> found_;
};

/// A function of C++ as a value. `depth` is that of the values that it holds.
using NativeFunction = std::function<Value(Rendering&, const Arguments&)>;
Value function_value(std::string name, int depth, NativeFunction function);

/// namespace(a=1): what a template may change, also from inside a loop.
class Namespace : public Object {
 public:
  std::string kind_name() const override { return "a namespace"; }
  std::optional<Value> attribute(const std::string& name) const override;
  void set(const std::string& name, Value value);
  void clear() { attributes_.clear(); }

 private:
  std::map<std::string, Value> attributes_;
};

/// What a template makes and may put into itself: emptied at the end, so that no circle keeps it alive.
class Namespaces {
 public:
  Namespaces() = default;
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;
  ~Namespaces();
  void add(const std::shared_ptr<Namespace>& made) { made_.push_back(made); }

 private:
  std::vector<std::shared_ptr<Namespace>> made_;
};

/// range, dict, namespace, raise_exception and, where a time is given, strftime_now. `namespaces` must outlive them.
std::vector<std::pair<std::string, Value>> global_functions(Namespaces& namespaces, const std::optional<std::tm>& now);

}  // namespace heterodyne::jinja
