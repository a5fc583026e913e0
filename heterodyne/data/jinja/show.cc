#include "heterodyne/data/jinja/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/data/jinja/operators.h"
#include "heterodyne/data/jinja/text.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne::jinja {
namespace {

// What numbers, true, false and none are written as; nothing for others.
std::optional<std::string> plain_text_of(const Value& value) {
  if (const bool* flag = value.if_flag()) return *flag ? "True" : "False";
  if (const int64_t* number = value.if_integer()) return fmt::format("{}", *number);
  if (const double* number = value.if_real()) return shown_real(*number);
  if (value.is_none()) return "None";
  return std::nullopt;
}

void add_quoted(Rendering& rendering, Builder& builder, const Value& value) {
  const Rendering::Deeper deeper(rendering);
  rendering.spend(1);
  if (const auto plain = plain_text_of(value)) {
    builder.add(*plain);
  } else if (const std::string* text = value.if_text()) {
    builder.add(in_quotes(*text));
  } else if (const List* list = value.if_list()) {
    builder.add(list->is_tuple ? "(" : "[");
    for (size_t i = 0; i < list->items.size(); ++i) {
      if (i > 0) builder.add(", ");
      add_quoted(rendering, builder, list->items[i]);
    }
    if (list->is_tuple && list->items.size() == 1) builder.add(",");
    builder.add(list->is_tuple ? ")" : "]");
  } else if (const Dict* dict = value.if_dict()) {
    builder.add("{");
    for (size_t i = 0; i < dict->entries.size(); ++i) {
      if (i > 0) builder.add(", ");
      add_quoted(rendering, builder, dict->entries[i].first);
      builder.add(": ");
      add_quoted(rendering, builder, dict->entries[i].second);
    }
    builder.add("}");
  } else {
    builder.add(value.is_undefined() ? "Undefined" : "<" + value.kind_name() + ">");
  }
}

std::string json_text(const std::string& text, bool is_ascii) {
  std::string result = "\"";
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = tokens::next_character(text, at);
    constexpr std::string_view kLetters = "\"\\nrtbf", kMeant = "\"\\\n\r\t\b\f";
    const size_t known = c < 0x80 ? kMeant.find(static_cast<char>(c)) : std::string_view::npos;
    if (known != std::string_view::npos) {
      result += '\\';
      result += kLetters[known];
    } else if (c < 0x20 || (is_ascii && c > 0x7E && c < 0x10000)) {
      result += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else if (is_ascii && c >= 0x10000) {
      const uint32_t offset = static_cast<uint32_t>(c) - 0x10000;
      result += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10U), 0xDC00 + (offset & 0x3FFU));
    } else {
      result.append(text, begin, at - begin);
    }
  }
  return result + "\"";
}

class JsonWriter {
 public:
  JsonWriter(Rendering& rendering, const JsonStyle& style)
      : rendering_(rendering), style_(style), builder_(rendering) {}

  void add(const Value& value, size_t level) {
    const Rendering::Deeper deeper(rendering_);
    rendering_.spend(1);
    if (const std::string* text = value.if_text()) {
      builder_.add(json_text(*text, style_.is_ascii));
    } else if (const List* list = value.if_list()) {
      add_all('[', ']', list->items.size(), level, [&](size_t i) { add(list->items[i], level + 1); });
    } else if (const Dict* dict = value.if_dict()) {
      auto entries = dict->entries;
      if (style_.sorts_keys)
        std::stable_sort(entries.begin(), entries.end(),
                         [&](const auto& a, const auto& b) { return order(rendering_, a.first, b.first) < 0; });
      add_all('{', '}', entries.size(), level, [&](size_t i) {
        builder_.add(json_text(key_text(entries[i].first), style_.is_ascii)).add(style_.colon);
        add(entries[i].second, level + 1);
      });
    } else {
      builder_.add(plain(value));
    }
  }
  std::string take() { return builder_.take(); }

 private:
  template <class AddOne>
  void add_all(char open, char close, size_t count, size_t level, const AddOne& add_one) {
    builder_.add(1, open);
    const std::string separator = style_.separator.value_or(style_.indent ? "," : ", ");
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) builder_.add(separator);
      add_line(level + 1);
      add_one(i);
    }
    if (count > 0) add_line(level);
    builder_.add(1, close);
  }
  void add_line(size_t level) {
    if (!style_.indent) return;
    builder_.add("\n");
    for (size_t i = 0; i < level; ++i) builder_.add(*style_.indent);
  }

  std::string plain(const Value& value) const {
    if (value.is_none()) return "null";
    if (const bool* flag = value.if_flag()) return *flag ? "true" : "false";
    if (const int64_t* number = value.if_integer()) return fmt::format("{}", *number);
    const double* real = value.if_real();
    if (!real) rendering_.fail("expected a value that JSON has, got " + value.kind_name());
    if (std::isnan(*real)) return "NaN";
    return std::isinf(*real) ? (*real < 0 ? "-Infinity" : "Infinity") : shown_real(*real);
  }
  std::string key_text(const Value& key) const {
    const std::string* text = key.if_text();
    return text ? *text : plain(key);
  }

  Rendering& rendering_;
  const JsonStyle& style_;
  Builder builder_;
};

}  // namespace

std::string text_of(Rendering& rendering, const Value& value) {
  if (const std::string* text = value.if_text()) return *text;
  return value.is_undefined() ? "" : quoted_value(rendering, value);
}

std::string quoted_value(Rendering& rendering, const Value& value) {
  Builder builder(rendering);
  add_quoted(rendering, builder, value);
  return builder.take();
}

std::string json_of(Rendering& rendering, const Value& value, const JsonStyle& style) {
  JsonWriter writer(rendering, style);
  writer.add(value, 0);
  return writer.take();
}

}  // namespace heterodyne::jinja
