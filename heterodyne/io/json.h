// JSON (RFC 8259) to Value and back. Keys keep their order.
//
// Numbers: written without fraction and exponent they are whole numbers, or, beyond the range of int64, the nearest
// real ones (foreign files hold 1000000000000000019884624838656); all others are real. Real numbers read back exactly.
// JSON has neither infinities nor NaN: they are written as null.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "heterodyne/base/table.h"

namespace heterodyne::io {

/// What a document may be, so that a hostile one takes neither the stack nor all memory.
struct JsonLimits {
  int64_t depth = 128;          // tables and lists inside each other
  int64_t values = 20'000'000;  // in all; each takes about 100 bytes
};

/// Where the text of a document lies, for error texts.
struct JsonSource {
  std::string file;
  uint64_t first_byte = 0;  // where in the file the text begins
};

/// Throws FormatError with the byte offset: the text is not JSON, more follows it, a key occurs twice in one table,
/// text is not UTF-8, a number is too large for a double, a limit is passed.
Value parse_json(std::string_view text, const JsonSource& source, const JsonLimits& limits = {});
Value parse_json(std::string_view text, const std::string& file);

/// The same document whose outermost value has to be a table.
Table parse_json_table(std::string_view text, const std::string& file);

/// `indent` spaces for each level; negative: everything on one line without spaces. Bytes that are not UTF-8 are
/// written as U+FFFD, so the outcome is always JSON.
std::string write_json(const Value& value, int indent = -1);

// The value of a key that a file must have. `where` is the file, for the text of the FormatError that is thrown when
// the key is missing or its value is of another type: "state.json: step: expected a whole number, got text".
int64_t integer_at(const Table& table, std::string_view key, const std::string& where);
/// Takes whole numbers too.
double real_at(const Table& table, std::string_view key, const std::string& where);
bool flag_at(const Table& table, std::string_view key, const std::string& where);
const std::string& text_at(const Table& table, std::string_view key, const std::string& where);
const Table& table_at(const Table& table, std::string_view key, const std::string& where);
const Array& array_at(const Table& table, std::string_view key, const std::string& where);

}  // namespace heterodyne::io
