// Config: TOML text to Table and back, the one level of `base`, and `--set`.
//
// The order in which a setting is decided: defaults of the Options struct < `base` file < the file < `--set`.
// What the settings mean is not known here; see fields.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "heterodyne/base/table.h"

namespace heterodyne {

/// Parses TOML. Keys keep their order, values their positions in `file`. Throws ConfigError with line and column.
Table parse_toml(std::string_view text, const std::string& file);

/// Parses one TOML value ("2", "[1, 2]", "{ kind = \"mlp\" }"); text that is no TOML value is taken as it stands.
Value parse_value(std::string_view text, const Position& position);

/// One value in TOML's inline form. Null is written as `null`, which TOML does not read.
std::string write_value(const Value& value);

/// A whole document: plain values first, then a section for each table and each table of a list. With `sources`,
/// a comment on each line says where its value was written ("my.toml:3", "--set seed=2") or "default".
std::string write_toml(const Table& table, bool sources = false);

/// Gives the text of a configuration file, or throws.
using ReadText = std::function<std::string(const std::string& path)>;

/// Reads `path` and lays it over the file that its key `base` names, relative to it, if there is one. A base with a
/// base of its own is an error. Values in tables are replaced one by one, lists and tables of another `kind` whole.
Table load_config(const std::string& path, const ReadText& read);

/// Lays `over` on top of `table`, as load_config() does.
void merge(Table& table, const Table& over);

/// Sets the value at a dotted path; a number steps into a list ("model.moe.experts.0.hidden").
/// `assignment` is "PATH=VALUE". The type of the value is decided when the setting is read.
/// Throws ConfigError when the form is wrong or the path leads through something that holds no settings.
void set_from_text(Table& table, const std::string& assignment);

}  // namespace heterodyne
