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

}  // namespace heterodyne::io
