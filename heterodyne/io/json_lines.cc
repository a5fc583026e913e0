#include "heterodyne/io/json_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/io/json.h"

namespace heterodyne::io {

int64_t each_json_line(std::string_view text, const std::string& file, bool skips_bad, const TakeLine& take) {
  int64_t number = 0, num_skipped = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}: line {}", file, number);
    try {
      take(parse_json_table(line, where), where);
    } catch (const FormatError&) {
      if (!skips_bad) throw;
      ++num_skipped;
    }
  }
  return num_skipped;
}

int64_t each_json_row(std::string_view text, const std::string& file, bool skips_bad, const TakeLine& take) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '[') return each_json_line(text, file, skips_bad, take);
  const Value list = parse_json(text, file);
  int64_t number = 0, skipped = 0;
  for (const Value& item : *list.if_array()) {
    const std::string where = fmt::format("{}: entry {}", file, ++number);
    try {
      if (!item.if_table()) throw FormatError::in_file(where, std::string("expected a table, got ") + item.type_name());
      take(*item.if_table(), where);
    } catch (const FormatError&) {
      if (!skips_bad) throw;
      ++skipped;
    }
  }
  return skipped;
}

}  // namespace heterodyne::io
