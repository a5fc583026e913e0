#include "heterodyne/io/json.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne::io {
namespace {

// Walks over the text for the parser and says how far that has come.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// Receives the parser's events and builds the value. The names of its functions are those of nlohmann's SAX interface.
class Builder {
 public:
  Builder(std::string_view text, const JsonSource& source, const JsonLimits& limits)
      : text_(text), source_(source), limits_(limits), reached_(text.data()) {}

  Value parse() {
    const Cursor begin(text_.data(), &reached_);
    const Cursor end(text_.data() + text_.size(), &reached_);
    nlohmann::json::sax_parse(begin, end, this);
    return std::move(root_);
  }

  bool null() { return add(Value()); }
  bool boolean(bool flag) { return add(flag); }
  bool number_integer(int64_t number) { return add(number); }
  bool number_unsigned(uint64_t number) {
    if (number <= uint64_t{std::numeric_limits<int64_t>::max()}) return add(static_cast<int64_t>(number));
    return add(static_cast<double>(number));
  }
  bool number_float(double number, const std::string&) { return add(number); }
  bool string(std::string& text) { return add(std::move(text)); }
  bool binary(std::vector<uint8_t>&) { return false; }  // JSON has none

  bool start_object(size_t) { return open(true); }
  bool start_array(size_t) { return open(false); }
  bool key(std::string& name) {
    Level& level = levels_.back();
    if (!level.keys.insert(name).second) throw error_at(reached() - 1, "key \"" + name + "\" occurs twice");
    level.key = std::move(name);
    return true;
  }
  bool end_object() {
    Value table = Table(std::move(levels_.back().entries));
    levels_.pop_back();
    return place(std::move(table));
  }
  bool end_array() {
    Value array = std::move(levels_.back().items);
    levels_.pop_back();
    return place(std::move(array));
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: REASON; last read: 'TEXT'"
    std::string reason = error.what();
    reason.erase(0, reason.find("] ") + 2);
    if (reason.starts_with("parse error at line")) reason.erase(0, reason.find(": ") + 2);
    reason.erase(std::min(reason.find("; last read"), reason.size()));
    throw error_at(position == 0 ? 0 : position - 1, is_utf8(reason) ? reason : "not JSON");
  }

 private:
  struct Level {
    bool is_table = false;
    Array items;
    std::vector<Entry> entries;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  size_t reached() const { return static_cast<size_t>(reached_ - text_.data()); }

  FormatError error_at(size_t byte, const std::string& message) const {
    return FormatError::in_file(source_.file, source_.first_byte + byte, message);
  }

  bool open(bool is_table) {
    if (static_cast<int64_t>(levels_.size()) >= limits_.depth) {
      throw error_at(reached() - 1, fmt::format("expected at most {} levels, got more", limits_.depth));
    }
    count();
    levels_.emplace_back().is_table = is_table;
    return true;
  }

  void count() {
    if (++num_values_ > limits_.values) {
      throw error_at(reached() - 1, fmt::format("expected at most {} values, got more", with_commas(limits_.values)));
    }
  }

  bool add(Value value) {
    count();
    return place(std::move(value));
  }

  bool place(Value value) {
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (Level& level = levels_.back(); level.is_table) {
      level.entries.push_back({std::move(level.key), std::move(value)});
    } else {
      level.items.push_back(std::move(value));
    }
    return true;
  }

  std::string_view text_;
  const JsonSource& source_;
  const JsonLimits& limits_;
  const char* reached_;
  int64_t num_values_ = 0;
  std::vector<Level> levels_;
  Value root_;
};

class Writer {
 public:
  explicit Writer(int indent) : indent_(indent) {}

  void write(const Value& value) {
    if (const bool* flag = value.if_flag()) {
      text_ += *flag ? "true" : "false";
    } else if (const int64_t* integer = value.if_integer()) {
      text_ += std::to_string(*integer);
    } else if (const double* real = value.if_real()) {
      text_ += std::isfinite(*real) ? shortest(*real) : "null";
    } else if (const std::string* text = value.if_text()) {
      quote(*text);
    } else if (const Array* array = value.if_array()) {
      list('[', ']', *array, [&](const Value& item) { write(item); });
    } else if (const Table* table = value.if_table()) {
      list('{', '}', table->entries(), [&](const Entry& entry) {
        quote(entry.key);
        text_ += indent_ < 0 ? ":" : ": ";
        write(entry.value);
      });
    } else {
      text_ += "null";
    }
  }

  std::string finish() { return std::move(text_); }

 private:
  template <class Items, class WriteItem>
  void list(char open, char close, const Items& items, const WriteItem& write_item) {
    text_ += open;
    ++depth_;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) text_ += ',';
      start_line();
      write_item(items[i]);
    }
    --depth_;
    if (!items.empty()) start_line();
    text_ += close;
  }

  void start_line() {
    if (indent_ < 0) return;
    text_ += '\n';
    text_.append(static_cast<size_t>(indent_ * depth_), ' ');
  }

  void quote(std::string_view text) {
    text_ += '"';
    if (is_utf8(text)) {
      for (const char c : text) escape(c);
    } else {
      for (; !text.empty(); text.remove_prefix(1)) {
        const size_t length = sequence_length(text);
        if (length == 0) text_ += "\xEF\xBF\xBD";
        for (size_t i = 0; i < length; ++i) escape(text[i]);
        if (length > 1) text.remove_prefix(length - 1);
      }
    }
    text_ += '"';
  }

  // Of the UTF-8 character at the start, 0 when there is none.
  static size_t sequence_length(std::string_view text) {
    for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length) {
      if (is_utf8(text.substr(0, length))) return length;
    }
    return 0;
  }

  void escape(char c) {
    static constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
    const size_t named = kNamed.find(c);
    if (named != std::string_view::npos) {
      text_ += '\\';
      text_ += "\"\\bfnrt"[named];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      text_ += c;
    }
  }

  int indent_;
  int depth_ = 0;
  std::string text_;
};

const Value& value_at(const Table& table, std::string_view key, const std::string& where, const char* expected) {
  const Value* value = table.find(key);
  if (value == nullptr) {
    throw FormatError::in_file(where, std::string(key) + ": expected " + expected + ", it is missing");
  }
  return *value;
}

// What `content` of the value gives, unless that is nullptr.
template <class Content>
const auto& content_at(const Table& table, std::string_view key, const std::string& where, const char* expected,
                       const Content& content) {
  const Value& value = value_at(table, key, where, expected);
  const auto* found = content(value);
  if (found == nullptr) {
    throw FormatError::in_file(where, std::string(key) + ": expected " + expected + ", got " + value.type_name());
  }
  return *found;
}

}  // namespace

Value parse_json(std::string_view text, const JsonSource& source, const JsonLimits& limits) {
  return Builder(text, source, limits).parse();
}

Value parse_json(std::string_view text, const std::string& file) { return parse_json(text, JsonSource{file}); }

Table parse_json_table(std::string_view text, const std::string& file) {
  Value value = parse_json(text, file);
  if (Table* table = value.if_table()) return std::move(*table);
  throw FormatError::in_file(file, 0, std::string("expected a table, got ") + value.type_name());
}

std::string write_json(const Value& value, int indent) {
  Writer writer(indent);
  writer.write(value);
  return writer.finish();
}

int64_t integer_at(const Table& table, std::string_view key, const std::string& where) {
  return content_at(table, key, where, "a whole number", [](const Value& value) { return value.if_integer(); });
}

double real_at(const Table& table, std::string_view key, const std::string& where) {
  const Value& value = value_at(table, key, where, "a number");
  if (const int64_t* integer = value.if_integer()) return static_cast<double>(*integer);
  return content_at(table, key, where, "a number", [](const Value& found) { return found.if_real(); });
}

bool flag_at(const Table& table, std::string_view key, const std::string& where) {
  return content_at(table, key, where, "true or false", [](const Value& value) { return value.if_flag(); });
}

const std::string& text_at(const Table& table, std::string_view key, const std::string& where) {
  return content_at(table, key, where, "text", [](const Value& value) { return value.if_text(); });
}

const Table& table_at(const Table& table, std::string_view key, const std::string& where) {
  return content_at(table, key, where, "a table", [](const Value& value) { return value.if_table(); });
}

const Array& array_at(const Table& table, std::string_view key, const std::string& where) {
  return content_at(table, key, where, "a list", [](const Value& value) { return value.if_array(); });
}

}  // namespace heterodyne::io
