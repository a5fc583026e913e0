// Filters whose subject is a text, a number or anything.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/data/jinja/filters.h"
#include "heterodyne/data/jinja/functions.h"
#include "heterodyne/data/jinja/methods.h"
#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/show.h"
#include "heterodyne/data/jinja/text.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

Value text_subject(Rendering& rendering, const Value& subject) {
  return subject.if_text() ? subject : rendering.text(text_of(rendering, subject));
}

Value filter_trim(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return call_method(rendering, text_subject(rendering, subject), "strip", arguments);
}
Value filter_upper(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return call_method(rendering, text_subject(rendering, subject), "upper", arguments);
}
Value filter_lower(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return call_method(rendering, text_subject(rendering, subject), "lower", arguments);
}
Value filter_capitalize(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return call_method(rendering, text_subject(rendering, subject), "capitalize", arguments);
}
Value filter_replace(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  return call_method(rendering, text_subject(rendering, subject), "replace", arguments);
}
Value filter_title(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "title", arguments, {});
  return rendering.text(titled_words(*text_subject(rendering, subject).if_text()));
}

Value filter_string(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "string", arguments, {});
  return text_subject(rendering, subject);
}

Value filter_default(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "default", arguments, {"default_value", "boolean"});
  const bool is_missing = subject.is_undefined() || (given.flag(1, false) && !subject.is_true());
  if (!is_missing) return subject;
  return given.has(0) ? *given.find(0) : rendering.text("");
}

Value filter_escape(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "escape", arguments, {});
  const Value text = text_subject(rendering, subject);
  Builder builder(rendering);
  for (const char c : *text.if_text()) {
    const std::string_view escaped = c == '&'    ? "&amp;"
                                     : c == '<'  ? "&lt;"
                                     : c == '>'  ? "&gt;"
                                     : c == '\'' ? "&#39;"
                                     : c == '"'  ? "&#34;"
                                                 : std::string_view(&c, 1);
    builder.add(escaped);
  }
  return builder.value();
}

Value filter_indent(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "indent", arguments, {"width", "first", "blank"});
  const bool is_text = given.has(0) && given.find(0)->if_text();
  const std::string margin =
      is_text ? given.text(0, "")
              : Builder(rendering).add(static_cast<size_t>(std::max<int64_t>(0, given.integer(0, 4))), ' ').take();
  const std::string text = text_of(rendering, subject) + "\n";
  const auto lines = lines_of(text);
  Builder builder(rendering);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) builder.add("\n");
    if (i == 0 ? given.flag(1, false) : !lines[i].empty() || given.flag(2, false)) builder.add(margin);
    builder.add(lines[i]);
  }
  return builder.value();
}

Value filter_int(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "int", arguments, {"default", "base"});
  const int64_t base = given.integer(1, 10);
  if (base < 2 || base > 36) rendering.fail(fmt::format("int: base: expected 2 .. 36, got {}", base));
  std::optional<int64_t> number = subject.whole();
  std::optional<double> real = subject.number();
  if (const std::string* text = subject.if_text()) {
    number = integer_of(*text, static_cast<int>(base));
    real = real_of(*text);
  }
  if (number) return Value::integer(*number);
  constexpr double kLimit = 9.2e18;
  if (real && std::abs(*real) < kLimit) return Value::integer(static_cast<int64_t>(*real));
  return given.has(0) ? *given.find(0) : Value::integer(0);
}

Value filter_float(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "float", arguments, {"default"});
  const auto number = subject.if_text() ? real_of(*subject.if_text()) : subject.number();
  if (number) return Value::real(*number);
  return given.has(0) ? *given.find(0) : Value::real(0);
}

Value filter_abs(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given none(rendering, "abs", arguments, {});
  check_defined(rendering, subject);
  if (const double* real = subject.if_real()) return Value::real(std::abs(*real));
  const auto whole = subject.whole();
  if (!whole) rendering.fail("abs: expected a number, got " + subject.kind_name());
  return *whole < 0 ? with_sign(rendering, "-", subject) : Value::integer(*whole);
}

Value filter_round(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "round", arguments, {"precision", "method"});
  const std::string method = given.text(1, "common");
  const auto number = subject.number();
  if (!number) rendering.fail("round: expected a number, got " + subject.kind_name());
  const int64_t places = given.integer(0, 0);
  if (places < 0 || places > 15) rendering.fail(fmt::format("round: precision: expected 0 .. 15, got {}", places));
  const double scale = std::pow(10.0, static_cast<double>(places));
  if (method == "ceil") return Value::real(std::ceil(*number * scale) / scale);
  if (method == "floor") return Value::real(std::floor(*number * scale) / scale);
  if (method != "common") rendering.fail("round: method: expected common, ceil or floor, got " + method);
  return Value::real(real_of(fmt::format("{:.{}f}", *number, places)).value_or(*number));
}

Value filter_tojson(Rendering& rendering, const Value& subject, const Arguments& arguments) {
  const Given given(rendering, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.is_ascii = given.flag(0, false);
  style.sorts_keys = given.flag(3, false);
  if (const Value* indent = given.find(1, true)) {
    if (indent->if_text()) style.indent = *indent->if_text();
    else
      style.indent = Builder(rendering).add(static_cast<size_t>(std::max<int64_t>(0, given.integer(1, 0))), ' ').take();
  }
  if (const Value* separators = given.find(2, true)) {
    const List* both = separators->if_list();
    if (!both || both->items.size() != 2 || !both->items[0].if_text() || !both->items[1].if_text())
      rendering.fail("tojson: separators: expected two texts, got " + separators->kind_name());
    style.separator = *both->items[0].if_text();
    style.colon = *both->items[1].if_text();
  }
  return rendering.text(json_of(rendering, subject, style));
}

}  // namespace

const std::vector<Filter>& filters_of_texts() {
  static const std::vector<Filter> all = {
      {"trim", filter_trim},     {"upper", filter_upper},     {"lower", filter_lower},
      {"title", filter_title},   {"replace", filter_replace}, {"capitalize", filter_capitalize},
      {"string", filter_string}, {"safe", filter_string},     {"default", filter_default},
      {"d", filter_default},     {"escape", filter_escape},   {"e", filter_escape},
      {"indent", filter_indent}, {"int", filter_int},         {"float", filter_float},
      {"abs", filter_abs},       {"round", filter_round},     {"tojson", filter_tojson},
  };
  return all;
}

}  // namespace heterodyne::jinja
