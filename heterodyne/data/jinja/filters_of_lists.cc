// Filters whose subject is a list, a table, or a text as its characters.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/data/jinja/filters.h"
#include "heterodyne/data/jinja/functions.h"
#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/show.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

Value filter_length(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "length", arguments, {});
  return Value::integer(static_cast<int64_t>(length(rendering, subject)));
}

Value filter_first(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "first", arguments, {});
  const auto all = elements(rendering, subject);
  return all.empty() ? Value::undefined("there is no first element") : all.front();
}

Value filter_last(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "last", arguments, {});
  const auto all = elements(rendering, subject);
  return all.empty() ? Value::undefined("there is no last element") : all.back();
}

Value filter_list(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "list", arguments, {});
  return rendering.list(elements(rendering, subject));
}

Value filter_items(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "items", arguments, {});
  const Dict* dict = subject.if_dict();
  if (!dict && !subject.is_undefined()) rendering.fail("items: expected a table, got " + subject.kind_name());
  Values all;
  for (size_t i = 0; dict && i < dict->entries.size(); ++i) {
    Values both;
    both.push_back(dict->entries[i].first);
    both.push_back(dict->entries[i].second);
    all.push_back(rendering.list(std::move(both), true));
  }
  return rendering.list(std::move(all));
}

Value filter_join(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "join", arguments, {"d", "attribute"});
  const std::string between = given.has(0) ? text_of(rendering, *given.find(0)) : "";
  const auto path = given.text_or_none(1);
  Builder builder(rendering);
  bool is_first = true;
  for (const auto& item : elements(rendering, subject)) {
    if (!is_first) builder.add(between);
    is_first = false;
    builder.add(text_of(rendering, path ? attribute_path(rendering, item, *path) : item));
  }
  return builder.value();
}

Value filter_reverse(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "reverse", arguments, {});
  auto all = elements(rendering, subject);
  std::reverse(all.begin(), all.end());
  if (!subject.if_text()) return rendering.list(std::move(all));
  Builder builder(rendering);
  for (const auto& one : all) builder.add(*one.if_text());
  return builder.value();
}

// What elements are compared by: themselves or an attribute, texts in lower case unless case counts.
Value sort_key(Rendering& rendering, const Value& item, const std::optional<std::string>& path, bool is_exact) {
  Value key = path ? attribute_path(rendering, item, *path) : item;
  if (is_exact || !key.if_text()) return key;
  return rendering.text(tokens::lowercased(*key.if_text()));
}

// The places of the keys in their order.
std::vector<size_t> sorted_places(Rendering& rendering, const Values& keys, bool is_reverse) {
  std::vector<size_t> places(keys.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    const int found = order(rendering, keys[a], keys[b]);
    return is_reverse ? found > 0 : found < 0;
  });
  return places;
}

Value picked(Rendering& rendering, const Values& all, const std::vector<size_t>& places) {
  Values items;
  for (const size_t place : places) items.push_back(all[place]);
  return rendering.list(std::move(items));
}

Value filter_sort(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const auto path = given.text_or_none(2);
  const auto all = elements(rendering, subject);
  Values keys;
  for (const auto& item : all) keys.push_back(sort_key(rendering, item, path, given.flag(1, false)));
  return picked(rendering, all, sorted_places(rendering, keys, given.flag(0, false)));
}

Value filter_dictsort(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = given.text(1, "key");
  if (by != "key" && by != "value") rendering.fail("dictsort: by: expected key or value, got " + by);
  const Value pairs = filter_items(rendering, subject, {});
  Values keys;
  for (const auto& pair : pairs.if_list()->items)
    keys.push_back(sort_key(rendering, pair.if_list()->items[by == "key" ? 0 : 1], std::nullopt, given.flag(0, false)));
  return picked(rendering, pairs.if_list()->items, sorted_places(rendering, keys, given.flag(2, false)));
}

Value filter_unique(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "unique", arguments, {"case_sensitive", "attribute"});
  const auto path = given.text_or_none(1);
  Values kept, keys;
  for (const auto& item : elements(rendering, subject)) {
    const Value key = sort_key(rendering, item, path, given.flag(0, false));
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& other) { return equal(rendering, other, key); }))
      continue;
    keys.push_back(key);
    kept.push_back(item);
  }
  return rendering.list(std::move(kept));
}

// The smallest, or with a reversed order the largest.
Value extreme(Rendering& rendering, const char* name, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, name, arguments, {"case_sensitive", "attribute"});
  const auto path = given.text_or_none(1);
  const bool is_largest = std::string_view(name) == "max";
  Value best = Value::undefined("there is no element"), best_key;
  for (const auto& item : elements(rendering, subject)) {
    const Value key = sort_key(rendering, item, path, given.flag(0, false));
    const int found = best.is_undefined() ? 0 : order(rendering, key, best_key);
    if (!best.is_undefined() && (is_largest ? found <= 0 : found >= 0)) continue;
    best = item;
    best_key = key;
  }
  return best;
}
Value filter_min(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return extreme(rendering, "min", subject, arguments);
}
Value filter_max(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return extreme(rendering, "max", subject, arguments);
}

Value filter_sum(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "sum", arguments, {"attribute", "start"});
  const auto path = given.text_or_none(0);
  Value sum = given.has(1) ? *given.find(1) : Value::integer(0);
  for (const auto& item : elements(rendering, subject))
    sum = arithmetic(rendering, "+", sum, path ? attribute_path(rendering, item, *path) : item);
  return sum;
}

// The arguments behind the first `count`.
Arguments behind(const Arguments& arguments, size_t count) {
  Arguments rest;
  rest.plain.assign(arguments.plain.begin() + static_cast<std::ptrdiff_t>(count), arguments.plain.end());
  rest.named = arguments.named;
  return rest;
}

const std::string& name_at(Rendering& rendering, const char* filter, const Arguments& arguments, size_t place) {
  if (place >= arguments.plain.size() || !arguments.plain[place].if_text())
    rendering.fail(fmt::format("{}: expected a name, got {}", filter,
                               place < arguments.plain.size() ? arguments.plain[place].kind_name() : "none"));
  return *arguments.plain[place].if_text();
}

// Elements for which a test of them, or of an attribute, says `wanted`.
Value chosen(Rendering& rendering, const char* filter, const Value& subject, const Arguments& arguments,
             bool has_attribute, bool wanted) {
  const size_t num_before = has_attribute ? 1 : 0;
  const bool has_test = arguments.plain.size() > num_before;
  const Arguments rest = behind(arguments, std::min(arguments.plain.size(), num_before + 1));
  Values kept;
  for (const auto& item : elements(rendering, subject)) {
    const Value judged =
        has_attribute ? attribute_path(rendering, item, name_at(rendering, filter, arguments, 0)) : item;
    const bool is_so = has_test ? apply_test(rendering, name_at(rendering, filter, arguments, num_before), judged, rest)
                                : judged.is_true();
    if (is_so == wanted) kept.push_back(item);
  }
  return rendering.list(std::move(kept));
}
Value filter_select(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return chosen(rendering, "select", subject, arguments, false, true);
}
Value filter_reject(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return chosen(rendering, "reject", subject, arguments, false, false);
}
Value filter_selectattr(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return chosen(rendering, "selectattr", subject, arguments, true, true);
}
Value filter_rejectattr(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return chosen(rendering, "rejectattr", subject, arguments, true, false);
}

// Each element's attribute, or each through a filter.
Value filter_map(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  Values mapped;
  const auto all = elements(rendering, subject);
  if (arguments.plain.empty()) {
    const Given given(rendering, "map", arguments, {"attribute", "default"}, 1);
    const Value& asked = *given.find(0);
    for (const auto& item : all) {
      Value found =
          asked.whole() ? subscript(rendering, item, asked) : attribute_path(rendering, item, given.text(0, ""));
      if (found.is_undefined() && given.has(1)) found = *given.find(1);
      mapped.push_back(std::move(found));
    }
    return rendering.list(std::move(mapped));
  }
  const Arguments rest = behind(arguments, 1);
  for (const auto& item : all)
    mapped.push_back(apply_filter(rendering, name_at(rendering, "map", arguments, 0), item, rest));
  return rendering.list(std::move(mapped));
}

}  // namespace

const std::vector<Filter>& filters_of_lists() {
  static const std::vector<Filter> all = {
      {"length", filter_length},
      {"count", filter_length},
      {"first", filter_first},
      {"last", filter_last},
      {"list", filter_list},
      {"items", filter_items},
      {"join", filter_join},
      {"reverse", filter_reverse},
      {"sort", filter_sort},
      {"dictsort", filter_dictsort},
      {"unique", filter_unique},
      {"min", filter_min},
      {"max", filter_max},
      {"sum", filter_sum},
      {"map", filter_map},
      {"select", filter_select},
      {"reject", filter_reject},
      {"selectattr", filter_selectattr},
      {"rejectattr", filter_rejectattr},
  };
  return all;
}

}  // namespace heterodyne::jinja
