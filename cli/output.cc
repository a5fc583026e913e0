#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/config.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/csv.h"
#include "heterodyne/io/json.h"

namespace heterodyne::cli {
namespace {

std::string plain(const Value& value) {
  if (const std::string* text = value.if_text()) return printable(*text);
  if (const double* real = value.if_real()) return fmt::format("{:.4g}", *real);
  if (value.is_null()) return "-";
  return write_value(value);
}

std::string markdown_cell(const Value& value) {
  std::string text;
  for (const char c : plain(value)) {
    if (c == '|') text += "\\|";
    else if (c == '<') text += "&lt;";
    else if (c == '&') text += "&amp;";
    else text += c;
  }
  return text;
}

std::string printable_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto& line : split(text, '\n')) lines.push_back(printable(line));
  return join(lines, "\n");
}

// For CSV, where line ends stay: cells with them are quoted.
Rows without_controls(Rows rows) {
  for (auto& row : rows.rows) {
    for (Value& value : row) {
      if (value.if_text()) value = printable_lines(*value.if_text());
    }
  }
  return rows;
}

}  // namespace

Array objects_of(const Rows& rows) {
  Array items;
  for (const auto& row : rows.rows) {
    Table item;
    for (size_t i = 0; i < rows.columns.size(); ++i) item.set(rows.columns[i], row[i]);
    items.emplace_back(std::move(item));
  }
  return items;
}

std::string json_text(const Value& value) { return printable_lines(io::write_json(value, 1)); }

std::string table_text(const Rows& rows) {
  std::vector<size_t> width;
  for (const auto& column : rows.columns) width.push_back(columns_of(column));
  for (const auto& row : rows.rows) {
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], columns_of(plain(row[i])));
  }
  const auto pad = [&](const std::string& text, size_t i, bool to_right) {
    const std::string space(width[i] - columns_of(text), ' ');
    return to_right ? space + text : text + space;
  };
  std::vector<bool> is_number(rows.columns.size(), false);
  for (const auto& row : rows.rows) {
    for (size_t i = 0; i < row.size(); ++i) is_number[i] = is_number[i] || row[i].if_integer() || row[i].if_real();
  }
  std::vector<std::string> lines;
  const auto add_line = [&](const auto& text_at) {
    std::string line;
    for (size_t i = 0; i < rows.columns.size(); ++i) line += (i ? "  " : "") + pad(text_at(i), i, is_number[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line);
  };
  add_line([&](size_t i) { return rows.columns[i]; });
  for (const auto& row : rows.rows) add_line([&](size_t i) { return plain(row[i]); });
  return join(lines, "\n");
}

void print_rows(Terminal& terminal, const Rows& rows, const std::string& format) {
  if (format == "json") return terminal.print(json_text(objects_of(rows)));
  if (format == "table") return terminal.print(table_text(rows));
  if (format == "csv") return terminal.print(io::csv_text(without_controls(rows)));
  terminal.print("| " + join(rows.columns, " | ") + " |");
  terminal.print("|" + join(std::vector<std::string>(rows.columns.size(), "---"), "|") + "|");
  for (const auto& row : rows.rows) {
    std::vector<std::string> cells;
    for (const Value& value : row) cells.push_back(markdown_cell(value));
    terminal.print("| " + join(cells, " | ") + " |");
  }
}

}  // namespace heterodyne::cli
