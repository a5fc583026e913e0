#include "heterodyne/base/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

Position position_of(const toml::node& node, const std::string& file) {
  const auto& begin = node.source().begin;
  return {file, static_cast<int>(begin.line), static_cast<int>(begin.column)};
}

Value convert(const toml::node& node, const std::string& file);

Table convert_table(const toml::table& source, const std::string& file) {
  std::vector<Entry> entries;
  for (const auto& [key, node] : source) entries.push_back({std::string(key.str()), convert(node, file)});
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const Position &p = a.value.position(), &q = b.value.position();
    return std::pair(p.line, p.column) < std::pair(q.line, q.column);
  });
  Table table;
  for (auto& entry : entries) table.set(entry.key, std::move(entry.value));
  return table;
}

Value convert(const toml::node& node, const std::string& file) {
  const Position position = position_of(node, file);
  Value value;
  if (const auto* table = node.as_table()) {
    value = convert_table(*table, file);
  } else if (const auto* array = node.as_array()) {
    Array items;
    for (const auto& item : *array) items.push_back(convert(item, file));
    value = std::move(items);
  } else if (const auto* text = node.as_string()) {
    value = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    value = real->get();
  } else if (const auto* flag = node.as_boolean()) {
    value = flag->get();
  } else {
    throw ConfigError(position.prefix() +
                      "dates and times have no use here; expected a number, text, a list or a table");
  }
  return value.set_position(position);
}

bool is_bare_key(const std::string& key) {
  const auto bare = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  return !key.empty() && std::all_of(key.begin(), key.end(), bare);
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else out += c;
  }
  return out + "\"";
}

std::string write_key(const std::string& key) { return is_bare_key(key) ? key : quote(key); }

std::string source_of(const Value& value) {
  const Position& position = value.position();
  if (position.file.empty()) return "default";
  return position.line == 0 ? position.file : position.file + ":" + std::to_string(position.line);
}

bool is_list_of_tables(const Value& value) {
  const Array* items = value.if_array();
  return items && !items->empty() &&
         std::all_of(items->begin(), items->end(), [](const Value& v) { return v.if_table(); });
}

void write_section(const Table& table, const std::string& path, bool sources, std::ostringstream& out) {
  for (const auto& [key, value] : table.entries()) {
    if (value.if_table() || is_list_of_tables(value) || value.is_null()) continue;
    const std::string line = write_key(key) + " = " + write_value(value);
    out << (sources ? fmt::format("{:<48}  # {}", line, source_of(value)) : line) << '\n';
  }
  for (const auto& [key, value] : table.entries()) {
    const std::string inner = path.empty() ? write_key(key) : path + "." + write_key(key);
    if (const Table* section = value.if_table()) {
      out << "\n[" << inner << "]\n";
      write_section(*section, inner, sources, out);
    } else if (is_list_of_tables(value)) {
      for (const Value& item : *value.if_array()) {
        out << "\n[[" << inner << "]]\n";
        write_section(*item.if_table(), inner, sources, out);
      }
    }
  }
}

// The file named `relative` as seen from the folder of `path`.
std::string beside(const std::string& path, const std::string& relative) {
  const size_t slash = path.rfind('/');
  return relative.starts_with('/') || slash == std::string::npos ? relative : path.substr(0, slash + 1) + relative;
}

// The text of a base; what is wrong with it is told with the place that names it.
std::string read_base(const std::string& path, const Position& named_at, const ReadText& read) {
  try {
    return read(path);
  } catch (const ConfigError& error) {
    throw ConfigError(named_at.prefix() + "base: " + error.what());
  }
}

// One step of a dotted path: a key of a table or an index of a list. New keys become tables.
Value* step_into(Value& value, const std::string& part, const std::string& assignment) {
  if (Table* table = value.if_table()) {
    Value* inner = table->find(part);
    return inner ? inner : &table->set(part, Table());
  }
  Array* items = value.if_array();
  const bool is_index = !part.empty() && part.size() < 10 &&
                        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (items == nullptr || !is_index) {
    throw ConfigError(fmt::format("--set {}: expected a path of settings, but \"{}\" leads into {}", assignment, part,
                                  value.type_name()));
  }
  const size_t index = std::stoul(part);
  if (index >= items->size()) {
    throw ConfigError(fmt::format("--set {}: expected an index below {}, got {}", assignment, items->size(), index));
  }
  return &(*items)[index];
}

}  // namespace

Table parse_toml(std::string_view text, const std::string& file) {
  try {
    return convert_table(toml::parse(text, file), file);
  } catch (const toml::parse_error& error) {
    const auto& begin = error.source().begin;
    const Position position{file, static_cast<int>(begin.line), static_cast<int>(begin.column)};
    throw ConfigError(position.prefix() + std::string(error.description()));
  }
}

Value parse_value(std::string_view text, const Position& position) {
  try {
    const toml::table table = toml::parse("value = " + std::string(text));
    Value value = table.size() == 1 ? convert(*table.get("value"), "") : Value(std::string(text));
    return value.set_position(position);
  } catch (const toml::parse_error&) {
    return Value(std::string(text)).set_position(position);
  }
}

std::string write_value(const Value& value) {
  if (const bool* flag = value.if_flag()) return *flag ? "true" : "false";
  if (const int64_t* integer = value.if_integer()) return std::to_string(*integer);
  if (const double* real = value.if_real()) return shortest(*real);
  if (const std::string* text = value.if_text()) return quote(*text);
  std::vector<std::string> parts;
  if (const Array* items = value.if_array()) {
    for (const Value& item : *items) parts.push_back(write_value(item));
    return "[" + join(parts) + "]";
  }
  if (const Table* table = value.if_table()) {
    for (const auto& entry : table->entries()) parts.push_back(write_key(entry.key) + " = " + write_value(entry.value));
    return parts.empty() ? "{}" : "{ " + join(parts) + " }";
  }
  return "null";
}

std::string write_toml(const Table& table, bool sources) {
  std::ostringstream out;
  write_section(table, "", sources, out);
  return out.str();
}

Table load_config(const std::string& path, const ReadText& read) {
  Table table = parse_toml(read(path), path);
  const Value* base = table.find("base");
  if (base == nullptr) return table;
  if (!base->if_text()) throw ConfigError(base->position().prefix() + "base: expected text, got " + base->type_name());
  const std::string base_path = beside(path, *base->if_text());
  Table merged = parse_toml(read_base(base_path, base->position(), read), base_path);
  if (const Value* second = merged.find("base")) {
    throw ConfigError(second->position().prefix() +
                      "base: expected a file without a base of its own, it is the base of " + path);
  }
  table.erase("base");
  merge(merged, table);
  return merged;
}

void merge(Table& table, const Table& over) {
  for (const auto& [key, value] : over.entries()) {
    Value* existing = table.find(key);
    Table* below = existing ? existing->if_table() : nullptr;
    const Table* above = value.if_table();
    const Value* kind = above ? above->find("kind") : nullptr;
    const Value* old_kind = below ? below->find("kind") : nullptr;
    const bool other_kind = kind && old_kind && !(*kind == *old_kind);
    if (below && above && !other_kind) merge(*below, *above);
    else table.set(key, value);
  }
}

void set_from_text(Table& table, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  const auto parts = split(assignment.substr(0, equals), '.');
  const bool has_empty_part = std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
  if (equals == std::string::npos || parts.empty() || has_empty_part) {
    throw ConfigError(fmt::format("--set {}: expected PATH=VALUE, for example model.moe.router.k=1", assignment));
  }
  Value root(std::move(table));
  Value* target = &root;
  try {
    for (const auto& part : parts) target = step_into(*target, part, assignment);
  } catch (...) {
    table = std::move(*root.if_table());
    throw;
  }
  const std::string text = assignment.substr(equals + 1);
  const std::string source = "--set " + assignment;
  // A table is one from the start, so that later settings can go into it.
  *target = text.starts_with('{') ? parse_value(text, {source, 0, 0}) : Value::untyped(text, source);
  table = std::move(*root.if_table());
}

}  // namespace heterodyne
