// Output: rows of data as a table for people, or as JSON, CSV or Markdown for programs and pages.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

/// The --format flag of every verb that prints data.
struct FormatFlag {
  std::string format = "table";
  void visit(Fields& field) { field("format", format, "how data is printed", one_of("table", "json", "csv", "md")); }
};

using heterodyne::Rows;

/// Each row as a table with the columns' names.
Array objects_of(const Rows& rows);

/// Indented JSON in which no control character stands for itself, not even those that JSON allows.
std::string json_text(const Value& value);

/// Prints in the format: an aligned table, a JSON list of objects, CSV with a header (RFC 4180), a Markdown table.
/// Text may be of any origin: control characters are shown, not sent, and in Markdown no HTML gets through.
void print_rows(Terminal& terminal, const Rows& rows, const std::string& format);

/// The cells of one row as an aligned line would show them: numbers to the right.
std::string table_text(const Rows& rows);

}  // namespace heterodyne::cli
