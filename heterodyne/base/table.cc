#include "heterodyne/base/table.h"

#include <algorithm>
#include <array>
#include <utility>

namespace heterodyne {

Table::Table() = default;
Table::Table(std::initializer_list<Entry> entries) : entries_(entries) {}
Table::Table(std::vector<Entry> entries) : entries_(std::move(entries)) {}
Table::Table(const Table&) = default;
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(const Table&) = default;
Table& Table::operator=(Table&&) noexcept = default;
Table::~Table() = default;

const Value* Table::find(std::string_view key) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? nullptr : &found->value;
}

Value* Table::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

const Value* Table::find_path(std::string_view path) const {
  const size_t dot = path.find('.');
  const Value* value = find(path.substr(0, dot));
  if (dot == std::string_view::npos || value == nullptr) return value;
  return value->if_table() ? value->if_table()->find_path(path.substr(dot + 1)) : nullptr;
}

Value& Table::set(std::string_view key, Value value) {
  if (Value* existing = find(key)) return *existing = std::move(value);
  return entries_.emplace_back(Entry{std::string(key), std::move(value)}).value;
}

void Table::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
}

bool Table::empty() const { return entries_.empty(); }
size_t Table::size() const { return entries_.size(); }

std::vector<std::string> Table::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.key);
  return names;
}

bool Table::operator==(const Table& other) const { return entries_ == other.entries_; }

Value Value::untyped(std::string text, std::string source) {
  Value value(std::move(text));
  value.is_untyped_ = true;
  value.position_.file = std::move(source);
  return value;
}

const char* Value::type_name() const {
  static constexpr std::array kNames = {"null", "true or false", "a whole number", "a number",
                                        "text", "a list",        "a table"};
  return kNames.at(content_.index());
}

Value& Value::set_position(Position position) {
  position_ = std::move(position);
  return *this;
}

}  // namespace heterodyne
