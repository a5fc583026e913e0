#include "heterodyne/io/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
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

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::vector<CsvRecord> parse() {
    std::vector<CsvRecord> records;
    while (at_ < text_.size()) {
      if (skip_line_end()) continue;
      CsvRecord record{{}, line_};
      do record.cells.push_back(cell());
      while (skip(','));
      if (at_ < text_.size() && !skip_line_end())
        fail(line_,
             fmt::format("expected a comma or the end of the line behind a closing quote, got '{}'", text_[at_]));
      if (!records.empty() && record.cells.size() != records[0].cells.size())
        fail(record.line, fmt::format("expected {} cells as on line {}, got {}", records[0].cells.size(),
                                      records[0].line, record.cells.size()));
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  [[noreturn]] void fail(int64_t line, const std::string& message) const {
    throw FormatError::in_file(file_, fmt::format("line {}: {}", line, message));
  }

  bool skip(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // CR LF, LF, or a CR alone.
  bool skip_line_end() {
    const bool is_return = skip('\r');
    if (!skip('\n') && !is_return) return false;
    ++line_;
    return true;
  }

  std::string cell() {
    if (skip('"')) return quoted_cell();
    const size_t end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
    if (end < text_.size() && text_[end] == '"')
      fail(line_, "expected quotes only around a whole cell, got one inside a cell that does not begin with it");
    std::string text(text_.substr(at_, end - at_));
    at_ = end;
    return text;
  }

  // Behind the opening quote.
  std::string quoted_cell() {
    const int64_t first_line = line_;
    std::string text;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && !skip('"')) return text;
      if (c == '\n') ++line_;
      text += c;
    }
    fail(first_line, "expected a closing quote, got the end of the file");
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

// Behind the byte order mark that some programs write first.
std::string_view without_mark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
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

std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& file) {
  return CsvParser(without_mark(text), file).parse();
}

std::vector<CsvRecord> parse_tsv(std::string_view text) {
  text = without_mark(text);
  std::vector<CsvRecord> records;
  int64_t number = 0;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) records.push_back({split(line, '\t'), number + 1});
  }
  return records;
}

}  // namespace heterodyne::io
