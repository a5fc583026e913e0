#include "heterodyne/report/html_table.h"

#include <algorithm>
#include <cmath>

#include "heterodyne/base/text.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/io/json.h"
#include "heterodyne/report/html.h"

namespace heterodyne {
namespace {

bool is_number(const Value& value) { return value.if_integer() != nullptr || value.if_real() != nullptr; }

/// Column by column: whether a number stands in it, so that its title is aligned as they are.
std::vector<bool> number_columns(const Rows& rows) {
  std::vector<bool> found(rows.columns.size(), false);
  for (const auto& row : rows.rows) {
    for (size_t c = 0; c < std::min(row.size(), found.size()); ++c) found[c] = found[c] || is_number(row[c]);
  }
  return found;
}

/// Without the line breaks at its end, which would only make the row taller.
std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

std::string html_row(const std::vector<Value>& row) {
  std::string html = "<tr>";
  for (size_t c = 0; c < row.size(); ++c) {
    const bool is_right = is_number(row[c]) || row[c].is_null();
    const std::string tag = c == 0 ? "th scope=row" : "td";
    html += fmt::format("<{}{}>{}", tag, is_right ? "" : " class=t", escape_html(trimmed(cell_text(row[c]))));
  }
  return html + "\n";
}

}  // namespace

std::string cell_text(const Value& value) {
  if (value.is_null()) return "";
  if (const std::string* text = value.if_text()) return *text;
  if (const int64_t* number = value.if_integer()) return with_commas(*number);
  if (const bool* flag = value.if_flag()) return *flag ? "yes" : "no";
  if (const double* real = value.if_real()) return std::isfinite(*real) ? fmt::format("{:.6g}", *real) : "";
  return io::write_json(value);
}

std::string html_table(const Rows& rows, size_t most_cells) {
  const size_t num_columns = std::max<size_t>(rows.columns.size(), 1);
  const size_t most_rows = std::max<size_t>(most_cells / num_columns, 1);
  const size_t stride = std::max<size_t>((rows.rows.size() + most_rows - 1) / most_rows, 1);
  std::string html = "<table>";
  if (stride > 1) {
    html += fmt::format("<caption>1 of every {} rows, of {} in all</caption>",
                        with_commas(static_cast<int64_t>(stride)), with_commas(static_cast<int64_t>(rows.rows.size())));
  }
  html += "<thead><tr>";
  const std::vector<bool> is_number_column = number_columns(rows);
  for (size_t c = 0; c < rows.columns.size(); ++c) {
    html += fmt::format("<th scope=col{}>{}", is_number_column[c] ? "" : " class=t", escape_html(rows.columns[c]));
  }
  html += "\n<tbody>";
  for (size_t r = 0; r < rows.rows.size(); r += stride) html += html_row(rows.rows[r]);
  return html + "</table>";
}

}  // namespace heterodyne
