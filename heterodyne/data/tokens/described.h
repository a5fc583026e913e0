// Described: parts of the file tokenizer.json (Hugging Face), each a table whose key `type` says what it is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"

namespace heterodyne::tokens {

/// "tokenizer.json: normalizer": where that part of a file is, also for the parts that it consists of.
inline std::string inside(const std::string& where, const std::string& part) {
  return where.ends_with(part) ? where : where + ": " + part;
}

/// What `known` holds for the type of the described part. Throws FormatError naming `where`, with the known types.
template <class Maker>
const Maker& find_type(const std::map<std::string, Maker>& known, const Table& description, const std::string& where) {
  const std::string& type = io::text_at(description, "type", where);
  const auto found = known.find(type);
  if (found != known.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, maker] : known) names.push_back(name);
  throw FormatError::in_file(where, "type: expected one of " + join(names) + ", got \"" + type + "\"");
}

/// The description as a table. Throws FormatError.
inline const Table& described(const Value& description, const std::string& where) {
  if (const Table* table = description.if_table()) return *table;
  throw FormatError::in_file(where, std::string("expected a table, got ") + description.type_name());
}

inline bool is_none(const Value* description) { return description == nullptr || description->is_null(); }

/// The flag, or `otherwise` when the key is missing or null.
inline bool flag_or(const Table& table, const std::string& key, bool otherwise, const std::string& where) {
  return is_none(table.find(key)) ? otherwise : io::flag_at(table, key, where);
}

/// The text, or `otherwise` when the key is missing or null.
inline std::string text_or(const Table& table, const std::string& key, const std::string& otherwise,
                           const std::string& where) {
  return is_none(table.find(key)) ? otherwise : io::text_at(table, key, where);
}

}  // namespace heterodyne::tokens
