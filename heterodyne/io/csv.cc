#include "heterodyne/io/csv.h"

#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"

namespace heterodyne::io {
namespace {

std::string quoted(std::string text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  for (size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) text.insert(at, 1, '"');
  return "\"" + text + "\"";
}

std::string cell(const Value& value) {
  if (value.is_null()) return "";
  if (const std::string* text = value.if_text()) return quoted(*text);
  if (const double* real = value.if_real()) return shortest(*real);
  return quoted(write_json(value));
}

}  // namespace

std::string csv_text(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& column : rows.columns) names.push_back(quoted(column));
  std::string text = join(names, ",");
  for (const auto& row : rows.rows) {
    std::vector<std::string> cells;
    for (const Value& value : row) cells.push_back(cell(value));
    text += "\n" + join(cells, ",");
  }
  return text;
}

}  // namespace heterodyne::io
