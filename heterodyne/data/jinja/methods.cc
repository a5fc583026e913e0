#include "heterodyne/data/jinja/methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "heterodyne/data/jinja/functions.h"
#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/show.h"
#include "heterodyne/data/jinja/text.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

constexpr size_t kStepsOfPart = 8;

// A call of a method of a text.
struct TextCall {
  Rendering& rendering;
  const std::string& text;
  const std::string& name;
  const Arguments& arguments;

  Given given(std::initializer_list<const char*> names, size_t num_needed = 0) const {
    return {rendering, name, arguments, names, num_needed};
  }
  Value made(std::string_view part) const { return rendering.text(std::string(part)); }
  Value list(const std::vector<std::string_view>& parts) const {
    rendering.spend(kStepsOfPart * parts.size());
    Values items;
    for (const auto part : parts) items.push_back(made(part));
    return rendering.list(std::move(items));
  }
};

Value text_strip(const TextCall& call) {
  const auto characters = call.given({"chars"}).text_or_none(0);
  if (characters) call.rendering.spend(call.text.size() * characters->size() / kStepsOfPart);
  return call.made(stripped(call.text,
                            call.name == "lstrip"   ? Side::kLeft
                            : call.name == "rstrip" ? Side::kRight
                                                    : Side::kBoth,
                            characters));
}

Value text_split(const TextCall& call) {
  const auto given = call.given({"sep", "maxsplit"});
  const auto separator = given.text_or_none(0);
  if (separator && separator->empty()) call.rendering.fail(call.name + ": sep: expected text, got an empty one");
  call.rendering.spend(call.text.size());
  const int64_t most = given.integer(1, -1);
  return call.list(call.name == "split" ? split_text(call.text, separator, most)
                                        : split_text_from_right(call.text, separator, most));
}

Value text_splitlines(const TextCall& call) {
  const auto given = call.given({"keepends"});
  call.rendering.spend(call.text.size());
  auto lines = lines_of(call.text);
  for (size_t i = 0; given.flag(0, false) && i < lines.size(); ++i) {
    const char* end = i + 1 < lines.size() ? lines[i + 1].data() : call.text.data() + call.text.size();
    lines[i] = {lines[i].data(), static_cast<size_t>(end - lines[i].data())};
  }
  return call.list(lines);
}

Value text_partition(const TextCall& call) {
  const std::string separator = call.given({"sep"}, 1).text(0, "");
  if (separator.empty()) call.rendering.fail(call.name + ": sep: expected text, got an empty one");
  const bool is_first = call.name == "partition";
  const auto parts = is_first ? split_text(call.text, separator, 1) : split_text_from_right(call.text, separator, 1);
  Values three;
  const bool is_found = parts.size() == 2;
  three.push_back(call.made(is_found || is_first ? parts[0] : ""));
  three.push_back(call.made(is_found ? separator : ""));
  three.push_back(call.made(is_found ? parts[1] : is_first ? "" : parts[0]));
  return call.rendering.list(std::move(three), true);
}

// Whether the text, or one of several, stands at the beginning or the end.
Value text_touches(const TextCall& call) {
  const auto given = call.given({"prefix"}, 1);
  const Value& asked = *given.find(0);
  const List* several = asked.if_list();
  const auto is_there = [&](const Value& part) {
    const std::string* text = part.if_text();
    if (!text) call.rendering.fail(call.name + ": expected text, got " + part.kind_name());
    return call.name == "startswith" ? call.text.starts_with(*text) : call.text.ends_with(*text);
  };
  if (!several || !several->is_tuple) return Value::flag(is_there(asked));
  return Value::flag(std::any_of(several->items.begin(), several->items.end(), is_there));
}

Value text_without(const TextCall& call) {
  const std::string part = call.given({"part"}, 1).text(0, "");
  std::string_view text = call.text;
  if (call.name == "removeprefix" && text.starts_with(part)) text.remove_prefix(part.size());
  if (call.name == "removesuffix" && text.ends_with(part)) text.remove_suffix(part.size());
  return call.made(text);
}

// Where a part is, in characters.
Value text_find(const TextCall& call) {
  const std::string part = call.given({"sub"}, 1).text(0, "");
  call.rendering.spend(call.text.size() / kStepsOfPart);
  size_t found = find_text(call.text, part);
  const bool is_last = call.name == "rfind" || call.name == "rindex";
  if (is_last && found != std::string::npos)
    found = part.empty() ? call.text.size()
                         : static_cast<size_t>(split_text_from_right(call.text, part, 1)[1].data() - call.text.data()) -
                               part.size();
  if (found != std::string::npos)
    return Value::integer(static_cast<int64_t>(num_characters(std::string_view(call.text).substr(0, found))));
  if (call.name.ends_with("index")) call.rendering.fail(call.name + ": expected a part of the text, got another");
  return Value::integer(-1);
}

Value text_count(const TextCall& call) {
  const std::string part = call.given({"sub"}, 1).text(0, "");
  call.rendering.spend(call.text.size());
  const size_t found = part.empty() ? num_characters(call.text) + 1 : split_text(call.text, part, -1).size() - 1;
  return Value::integer(static_cast<int64_t>(found));
}

Value text_replace(const TextCall& call) {
  const auto given = call.given({"old", "new", "count"}, 2);
  const std::string old_part = given.text(0, ""), new_part = given.text(1, "");
  const int64_t most = given.integer(2, -1);
  call.rendering.spend(call.text.size() / kStepsOfPart);
  Builder builder(call.rendering);
  const auto parts = old_part.empty() ? characters_of(call.text) : split_text(call.text, old_part, most);
  int64_t replaced = 0;
  const auto put = [&] {
    if (most < 0 || replaced++ < most) builder.add(new_part);
  };
  if (old_part.empty()) put();  // around each character
  for (size_t i = 0; i < parts.size(); ++i) {
    builder.add(parts[i]);
    if (old_part.empty() || i + 1 < parts.size()) put();
  }
  return builder.value();
}

Value text_join(const TextCall& call) {
  const auto given = call.given({"iterable"}, 1);
  Builder builder(call.rendering);
  bool is_first = true;
  for (const auto& item : elements(call.rendering, *given.find(0))) {
    if (!item.if_text()) call.rendering.fail("join: expected texts, got " + item.kind_name());
    if (!std::exchange(is_first, false)) builder.add(call.text);
    builder.add(*item.if_text());
  }
  return builder.value();
}

Value text_with_case(const TextCall& call) {
  call.given({});
  call.rendering.spend(call.text.size() / kStepsOfPart);
  const std::string& name = call.name;
  return call.rendering.text(name == "upper"        ? tokens::uppercased(call.text)
                             : name == "title"      ? titled(call.text)
                             : name == "capitalize" ? capitalized(call.text)
                                                    : tokens::lowercased(call.text));
}

// isdigit and the like: whether all characters are so, and there is one.
Value text_is_all(const TextCall& call) {
  call.given({});
  call.rendering.spend(call.text.size() / kStepsOfPart);
  bool has_one = false;
  for (size_t at = 0; at < call.text.size();) {
    const char32_t c = tokens::next_character(call.text, at);
    const bool is_letter = tokens::is_letter(c), is_number = tokens::is_number(c), is_cased = tokens::is_cased(c);
    if (call.name == "isupper" || call.name == "islower") {
      const bool is_upper = tokens::is_upper_case(c);
      if (is_cased && is_upper != (call.name == "isupper")) return Value::flag(false);
      has_one |= is_cased;
      continue;
    }
    const bool fits = call.name == "isalpha"   ? is_letter
                      : call.name == "isalnum" ? is_letter || is_number
                      : call.name == "isspace" ? tokens::is_white_space(c)
                                               : is_number;
    if (!fits) return Value::flag(false);
    has_one = true;
  }
  return Value::flag(has_one);
}

// "{} and {name}".format(...), without what may follow a name or a number.
Value text_format(const TextCall& call) {
  Builder builder(call.rendering);
  size_t next = 0;
  for (size_t at = 0; at < call.text.size();) {
    const char c = call.text[at];
    if ((c == '{' || c == '}') && at + 1 < call.text.size() && call.text[at + 1] == c) {
      builder.add(1, c);
      at += 2;
      continue;
    }
    if (c != '{') {
      builder.add(1, c);
      ++at;
      continue;
    }
    const size_t end = std::min(call.text.find('}', at), call.text.size());
    const std::string field = call.text.substr(at + 1, end - at - 1);
    const auto named = std::find_if(call.arguments.named.begin(), call.arguments.named.end(),
                                    [&](const auto& one) { return one.first == field; });
    const auto number = integer_of(field, 10);
    const auto place = field.empty() ? next++ : number && *number >= 0 ? static_cast<size_t>(*number) : SIZE_MAX;
    if (named != call.arguments.named.end()) builder.add(text_of(call.rendering, named->second));
    else if (place < call.arguments.plain.size()) builder.add(text_of(call.rendering, call.arguments.plain[place]));
    else call.rendering.fail(fmt::format("format: expected a value for \"{{{}}}\", got none", field));
    at = std::min(end + 1, call.text.size());
  }
  return builder.value();
}

using TextMethod = Value (*)(const TextCall&);
constexpr std::array<std::pair<std::string_view, TextMethod>, 33> kTextMethods = {{
    {"strip", text_strip},         {"lstrip", text_strip},         {"rstrip", text_strip},
    {"split", text_split},         {"rsplit", text_split},         {"splitlines", text_splitlines},
    {"partition", text_partition}, {"rpartition", text_partition}, {"startswith", text_touches},
    {"endswith", text_touches},    {"removeprefix", text_without}, {"removesuffix", text_without},
    {"find", text_find},           {"rfind", text_find},           {"index", text_find},
    {"rindex", text_find},         {"count", text_count},          {"replace", text_replace},
    {"join", text_join},           {"upper", text_with_case},      {"lower", text_with_case},
    {"title", text_with_case},     {"capitalize", text_with_case}, {"casefold", text_with_case},
    {"isdigit", text_is_all},      {"isnumeric", text_is_all},     {"isdecimal", text_is_all},
    {"isalpha", text_is_all},      {"isalnum", text_is_all},       {"isspace", text_is_all},
    {"isupper", text_is_all},      {"islower", text_is_all},       {"format", text_format},
}};

TextMethod text_method(const std::string& name) {
  const auto found =
      std::find_if(kTextMethods.begin(), kTextMethods.end(), [&](const auto& known) { return known.first == name; });
  return found == kTextMethods.end() ? nullptr : found->second;
}

constexpr std::array<std::string_view, 5> kDictMethods = {"items", "keys", "values", "get", "copy"};
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::array<std::string_view, 3> kListMethods = {"index", "count", "copy"};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear",  "extend",  "insert",
                                                          "pop",    "remove", "reverse", "sort"};

template <size_t N>
bool is_method_in(const std::array<std::string_view, N>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value dict_method(Rendering& rendering, const Value& subject, const std::string& name, const Arguments& arguments) {
  const Dict& dict = *subject.if_dict();
  if (name == "get") {
    const Given given(rendering, name, arguments, {"key", "default"}, 1);
    for (const auto& [key, value] : dict.entries) {
      if (equal(rendering, key, *given.find(0))) return value;
    }
    return given.has(1) ? *given.find(1) : Value();
  }
  const Given none(rendering, name, arguments, {});
  if (name == "copy") return subject;
  Values all;
  for (const auto& [key, value] : dict.entries) {
    Values both;
    if (name != "values") both.push_back(key);
    if (name != "keys") both.push_back(value);
    all.push_back(name == "items" ? rendering.list(std::move(both), true) : both.front());
  }
  return rendering.list(std::move(all));
}

Value list_method(Rendering& rendering, const Value& subject, const std::string& name, const Arguments& arguments) {
  const List& list = *subject.if_list();
  if (name == "copy") return subject;
  const Given given(rendering, name, arguments, {"value"}, 1);
  int64_t found = 0;
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (!equal(rendering, list.items[i], *given.find(0))) continue;
    if (name == "index") return Value::integer(static_cast<int64_t>(i));
    ++found;
  }
  if (name == "index") rendering.fail("index: expected an element of the list, got another value");
  return Value::integer(found);
}

}  // namespace

bool has_method(const Value& subject, const std::string& name) {
  if (subject.if_text()) return text_method(name) != nullptr;
  if (subject.if_dict()) return is_method_in(kDictMethods, name) || is_method_in(kDictChanges, name);
  return subject.if_list() && (is_method_in(kListMethods, name) || is_method_in(kListChanges, name));
}

Value call_method(Rendering& rendering, const Value& subject, const std::string& name, const Arguments& arguments) {
  rendering.spend(1);
  if (const std::string* text = subject.if_text()) {
    const TextMethod method = text_method(name);
    if (method) return method({rendering, *text, name, arguments});
  } else if (has_method(subject, name)) {
    if (is_method_in(kDictChanges, name) || is_method_in(kListChanges, name))
      rendering.fail(fmt::format("{}: expected a method that changes nothing, for templates cannot change {}", name,
                                 subject.kind_name()));
    return subject.if_dict() ? dict_method(rendering, subject, name, arguments)
                             : list_method(rendering, subject, name, arguments);
  }
  rendering.fail(fmt::format("expected a method of {}, got \"{}\"", subject.kind_name(), name));
}

Value bound_method(const Value& subject, const std::string& name) {
  return function_value(name, subject.depth() + 1, [subject, name](Rendering& rendering, const Arguments& arguments) {
    return call_method(rendering, subject, name, arguments);
  });
}

}  // namespace heterodyne::jinja
