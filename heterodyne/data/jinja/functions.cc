#include "heterodyne/data/jinja/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/show.h"

namespace heterodyne::jinja {
namespace {

class Native : public Object {
 public:
  Native(std::string name, int depth, NativeFunction function)
      : name_(std::move(name)), depth_(depth), function_(std::move(function)) {}
  std::string kind_name() const override { return "the function " + name_; }
  std::optional<Value> attribute(const std::string&) const override { return std::nullopt; }
  bool is_callable() const override { return true; }
  Value call(Rendering& rendering, const Arguments& arguments) override { return function_(rendering, arguments); }
  int depth() const override { return depth_; }

 private:
  std::string name_;
  int depth_;
  NativeFunction function_;
};

Value range(Rendering& rendering, const Arguments& arguments) {
  constexpr int64_t kMost = 100'000;  // as Jinja's sandbox has it
  const Given given(rendering, "range", arguments, {"start", "stop", "step"}, 1);
  const int64_t first = given.integer(0, 0);
  const int64_t begin = given.has(1) ? first : 0, end = given.has(1) ? given.integer(1, 0) : first;
  const int64_t step = given.integer(2, 1);
  if (step == 0) rendering.fail("range: step: expected a number other than 0, got 0");
  Values numbers;
  for (int64_t at = begin; step > 0 ? at < end : at > end;) {
    if (static_cast<int64_t>(numbers.size()) == kMost)
      rendering.fail(fmt::format("range: expected at most {} numbers, got more", kMost));
    numbers.push_back(Value::integer(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return rendering.list(std::move(numbers));
}

Value dict(Rendering& rendering, const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& from : arguments.plain) {
    const Dict* other = from.if_dict();
    if (!other || arguments.plain.size() > 1) rendering.fail("dict: expected a table and names, got others");
    entries = other->entries;
  }
  for (const auto& [name, value] : arguments.named) set_entry(rendering, entries, Value::text(name), value);
  return rendering.dict(std::move(entries));
}

Value raise_exception(Rendering& rendering, const Arguments& arguments) {
  const Given given(rendering, "raise_exception", arguments, {"message"}, 1);
  rendering.fail("the template refuses this conversation: " + text_of(rendering, *given.find(0)));
}

// One conversion at a time, of those that C and Python have alike.
Value strftime_now(Rendering& rendering, const Arguments& arguments, const std::tm& now) {
  const Given given(rendering, "strftime_now", arguments, {"format"}, 1);
  const std::string format = given.text(0, "");
  Builder builder(rendering);
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      builder.add(1, format[i]);
      continue;
    }
    const char letter = i + 1 < format.size() ? format[++i] : ' ';
    if (std::string_view("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%").find(letter) == std::string_view::npos)
      rendering.fail(fmt::format("strftime_now: expected a conversion such as %Y, got \"{}\"", format));
    std::array<char, 128> text{};
    const std::array<char, 3> conversion{'%', letter, '\0'};
    builder.add({text.data(), std::strftime(text.data(), text.size(), conversion.data(), &now)});
  }
  return builder.value();
}

}  // namespace

Given::Given(Rendering& rendering, std::string what, const Arguments& arguments,
             std::initializer_list<const char*> names, size_t num_needed)
    : rendering_(rendering), what_(std::move(what)), names_(names), found_(names.size(), nullptr) {
  if (arguments.plain.size() > names_.size())
    rendering.fail(
        fmt::format("{}: expected at most {} arguments, got {}", what_, names_.size(), arguments.plain.size()));
  for (size_t i = 0; i < arguments.plain.size(); ++i) found_[i] = &arguments.plain[i];
  for (const auto& [name, value] : arguments.named) {
    const auto known = std::find(names_.begin(), names_.end(), name);
    if (known == names_.end()) rendering.fail(fmt::format("{}: {}: there is no such argument", what_, name));
    auto& place = found_[static_cast<size_t>(known - names_.begin())];
    if (place) rendering.fail(fmt::format("{}: {}: expected one value, got two", what_, name));
    place = &value;
  }
  for (size_t i = 0; i < num_needed; ++i) {
    if (!found_[i]) fail(i, "a value");
  }
}

void Given::fail(size_t place, const char* expected) const {
  rendering_.fail(fmt::format("{}: {}: expected {}, got {}", what_, names_[place], expected,
                              found_[place] ? found_[place]->kind_name() : "none"));
}

const Value* Given::find(size_t place, bool or_none) const {
  const Value* value = found_[place];
  return value && or_none && value->is_none() ? nullptr : value;
}

std::string Given::text(size_t place, const std::string& otherwise) const {
  const Value* value = find(place);
  if (!value) return otherwise;
  if (!value->if_text()) fail(place, "text");
  return *value->if_text();
}

std::optional<std::string> Given::text_or_none(size_t place) const {
  if (!find(place, true)) return std::nullopt;
  return text(place, "");
}

int64_t Given::integer(size_t place, int64_t otherwise) const {
  const Value* value = find(place);
  if (!value) return otherwise;
  const auto number = value->whole();
  if (!number) fail(place, "a whole number");
  return *number;
}

bool Given::flag(size_t place, bool otherwise) const {
  const Value* value = find(place);
  return value ? value->is_true() : otherwise;
}

Value function_value(std::string name, int depth, NativeFunction function) {
  return Value::object(std::make_shared<Native>(std::move(name), depth, std::move(function)));
}

std::optional<Value> Namespace::attribute(const std::string& name) const {
  const auto found = attributes_.find(name);
  return found == attributes_.end() ? std::nullopt : std::optional(found->second);
}

void Namespace::set(const std::string& name, Value value) { attributes_[name] = std::move(value); }

Namespaces::~Namespaces() {
  for (const auto& one : made_) one->clear();
}

std::vector<std::pair<std::string, Value>> global_functions(Namespaces& namespaces, const std::optional<std::tm>& now) {
  std::vector<std::pair<std::string, Value>> all;
  const auto add = [&](const char* name, NativeFunction function) {
    all.emplace_back(name, function_value(name, 0, std::move(function)));
  };
  add("range", range);
  add("dict", dict);
  add("raise_exception", raise_exception);
  add("namespace", [&namespaces](Rendering& rendering, const Arguments& arguments) {
    const Value given = dict(rendering, arguments);
    auto made = std::make_shared<Namespace>();
    for (const auto& [name, value] : given.if_dict()->entries) made->set(text_of(rendering, name), value);
    namespaces.add(made);
    return Value::object(std::move(made));
  });
  if (now)
    add("strftime_now",
        [now](Rendering& rendering, const Arguments& arguments) { return strftime_now(rendering, arguments, *now); });
  return all;
}

}  // namespace heterodyne::jinja
