#include "heterodyne/eval/harness/field_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "heterodyne/base/text.h"
#include "heterodyne/eval/harness/space.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

constexpr std::string_view kOpen = "{{", kClose = "}}";
const std::vector<std::string> kPlain = {"strip", "lstrip", "rstrip", "without_last", "lower_first", "spaced", "words"};
const std::vector<std::string> kWithArgument = {"before", "after"};

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string trimmed(std::string_view text) { return std::string(without_space_behind(without_space_before(text))); }

std::string plain_text(const Value& value, const std::string& field, const std::string& where) {
  if (value.if_text()) return *value.if_text();
  if (value.is_null() || value.if_array() || value.if_table())
    throw FormatError::in_file(where, fmt::format("{}: expected text or a number, got {}", field, value.type_name()));
  return io::write_json(value);
}

std::string without_last_character(std::string text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace

const Value* find_field(const Table& row, std::string_view path) {
  const Table* table = &row;
  const Array* list = nullptr;
  const Value* found = nullptr;
  for (const auto& name : split(path, '.')) {
    if (table) {
      found = table->find(name);
    } else if (list) {
      size_t index = 0;
      const auto end = name.data() + name.size();
      const auto [stop, error] = std::from_chars(name.data(), end, index);
      const bool is_number = error == std::errc() && stop == end;
      found = is_number && index < list->size() ? &(*list)[index] : nullptr;
    } else {
      return nullptr;
    }
    if (!found) return nullptr;
    table = found->if_table();
    list = found->if_array();
  }
  return found;
}

FieldTemplate::Part FieldTemplate::place_of(std::string_view text) {
  Part part;
  for (const auto& piece : split(text, '|')) {
    const std::string word = trimmed(piece);
    if (part.field.empty()) {
      if (word.empty()) break;
      part.field = word;
      continue;
    }
    Filter filter{word, ""};
    const size_t open = word.find('(');
    if (open != std::string::npos && word.ends_with(')'))
      filter = {word.substr(0, open), word.substr(open + 1, word.size() - open - 2)};
    const bool takes_argument = has(kWithArgument, filter.name);
    if (!takes_argument && !has(kPlain, filter.name))
      throw Error(fmt::format("filter: expected one of {}, {}(x), got \"{}\"", join(kPlain),
                              join(kWithArgument, "(x), "), word));
    if (takes_argument == filter.argument.empty())
      throw Error(fmt::format("filter {}: expected {}, got \"{}\"", filter.name,
                              takes_argument ? "a text in parentheses" : "nothing in parentheses", word));
    part.filters.push_back(std::move(filter));
  }
  if (part.field.empty()) throw Error(fmt::format("expected the name of a field in \"{{{{{}}}}}\", got none", text));
  return part;
}

FieldTemplate::FieldTemplate(std::string_view text, Words words) : words_(std::move(words)) {
  while (!text.empty()) {
    const size_t open = text.find(kOpen);
    if (open != 0) parts_.push_back({std::string(text.substr(0, open)), ""});
    if (open == std::string_view::npos) return;
    text.remove_prefix(open + kOpen.size());
    const size_t close = text.find(kClose);
    if (close == std::string_view::npos)
      throw Error(fmt::format("expected a \"}}}}\" behind \"{{{{{}\", got none", text));
    parts_.push_back(place_of(text.substr(0, close)));
    text.remove_prefix(close + kClose.size());
  }
}

std::string FieldTemplate::filtered(const Value& value, const Part& part, const std::string& where) const {
  std::string text = plain_text(value, part.field, where);
  for (const auto& [name, argument] : part.filters) {
    if (name == "strip" || name == "lstrip") text = without_space_before(text);
    if (name == "strip" || name == "rstrip") text = without_space_behind(text);
    if (name == "without_last") text = without_last_character(text);
    if (name == "lower_first" && !text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] += 'a' - 'A';
    if (name == "spaced") std::replace(text.begin(), text.end(), '_', ' ');
    if (name == "words") {
      const auto found = words_.find(text);
      if (found == words_.end())
        throw FormatError::in_file(
            where, fmt::format("{}: expected one of the words of the task, got \"{}\"", part.field, text));
      text = found->second;
    }
    if (argument.empty()) continue;
    const size_t at = text.find(argument);
    if (at == std::string::npos)
      throw FormatError::in_file(where,
                                 fmt::format("{}: expected a \"{}\" in it, got \"{}\"", part.field, argument, text));
    text = name == "before" ? text.substr(0, at) : text.substr(at + argument.size());
  }
  return text;
}

std::string FieldTemplate::text(const Table& row, const std::string& where) const {
  std::string text;
  for (const auto& part : parts_) {
    if (part.field.empty()) {
      text += part.text;
      continue;
    }
    const Value* value = find_field(row, part.field);
    if (!value) throw FormatError::in_file(where, fmt::format("{}: expected such a field, got none", part.field));
    text += filtered(*value, part, where);
  }
  return text;
}

std::vector<std::string> FieldTemplate::texts(const Table& row, const std::string& where) const {
  if (parts_.size() == 1 && !parts_[0].field.empty()) {
    const Value* value = find_field(row, parts_[0].field);
    if (value && value->if_array()) {
      std::vector<std::string> texts;
      for (const Value& item : *value->if_array()) texts.push_back(filtered(item, parts_[0], where));
      return texts;
    }
  }
  std::vector<std::string> one;
  one.push_back(text(row, where));
  return one;
}

}  // namespace heterodyne
