// Value and Table: the tree that configurations, JSON documents and options of members are made of.
//
// A Table keeps its keys in the order in which they were written; a Value knows where it was written, so that a
// complaint about it can point there. Library users write tables as literals:
//   Table{{"kind", "top_k"}, {"k", 2}}
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "heterodyne/base/error.h"

namespace heterodyne {

class Value;
struct Entry;
using Array = std::vector<Value>;

class Table {
 public:
  Table();
  Table(std::initializer_list<Entry> entries);
  /// Takes entries whose keys are known to differ.
  explicit Table(std::vector<Entry> entries);
  Table(const Table&);
  Table(Table&&) noexcept;
  Table& operator=(const Table&);
  Table& operator=(Table&&) noexcept;
  ~Table();

  /// The value of `key`, or nullptr.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  /// The value at a dotted path of tables ("moe.experts"), or nullptr.
  const Value* find_path(std::string_view path) const;
  /// Replaces the value of `key`, or adds it at the end.
  Value& set(std::string_view key, Value value);
  void erase(std::string_view key);

  bool contains(std::string_view key) const { return find(key) != nullptr; }
  bool empty() const;
  size_t size() const;
  std::vector<std::string> keys() const;
  const std::vector<Entry>& entries() const { return entries_; }

  bool operator==(const Table& other) const;

 private:
  std::vector<Entry> entries_;
};

class Value {
 public:
  /// Null, which JSON has and TOML has not.
  Value() = default;
  Value(bool flag) : content_(flag) {}
  Value(int number) : content_(int64_t{number}) {}
  Value(int64_t number) : content_(number) {}
  Value(double number) : content_(number) {}
  Value(const char* text) : content_(std::string(text)) {}
  Value(std::string text) : content_(std::move(text)) {}
  Value(Array items) : content_(std::move(items)) {}
  Value(Table table) : content_(std::move(table)) {}

  /// Text from a command line, whose type is decided by the setting that reads it: see fields.h.
  static Value untyped(std::string text, std::string source);

  // Each gives a pointer to the content when it has that type, nullptr otherwise.
  const bool* if_flag() const { return std::get_if<bool>(&content_); }
  const int64_t* if_integer() const { return std::get_if<int64_t>(&content_); }
  const double* if_real() const { return std::get_if<double>(&content_); }
  const std::string* if_text() const { return std::get_if<std::string>(&content_); }
  const Array* if_array() const { return std::get_if<Array>(&content_); }
  const Table* if_table() const { return std::get_if<Table>(&content_); }
  Array* if_array() { return std::get_if<Array>(&content_); }
  Table* if_table() { return std::get_if<Table>(&content_); }
  bool is_null() const { return std::holds_alternative<std::monostate>(content_); }
  bool is_untyped() const { return is_untyped_; }

  /// "true or false", "a whole number", "a number", "text", "a list", "a table" or "null".
  const char* type_name() const;

  const Position& position() const { return position_; }
  Value& set_position(Position position);

  /// Compares contents; positions do not count.
  bool operator==(const Value& other) const { return content_ == other.content_; }

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Table> content_;
  Position position_;
  bool is_untyped_ = false;
};

/// One key of a table with its value.
struct Entry {
  std::string key;
  Value value;

  bool operator==(const Entry&) const = default;
};

}  // namespace heterodyne
