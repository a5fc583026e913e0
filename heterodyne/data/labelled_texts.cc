#include "heterodyne/data/labelled_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/csv.h"
#include "heterodyne/io/json_lines.h"

namespace heterodyne {
namespace {

std::optional<int64_t> number_in(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<double> real_in(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_one = error == std::errc() && end == text.data() + text.size() && std::isfinite(number);
  return is_one ? std::optional(number) : std::nullopt;
}

class LabelledTextReader {
 public:
  LabelledTextReader(const std::string& file, const TextFields& fields, const std::vector<std::string>& class_names)
      : file_(file), fields_(fields), class_names_(class_names) {}

  std::vector<LabelledText> read(std::string_view content) {
    if (fields_.format == "jsonl") read_json_lines(content);
    else read_columns(fields_.format == "csv" ? io::parse_csv(content, file_) : io::parse_tsv(content));
    if (texts_.empty()) throw FormatError::in_file(file_, "expected texts, got none");
    return std::move(texts_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw FormatError::in_file(where_, message); }

  void add(const std::string& label, const std::vector<std::string>& parts, std::string second) {
    LabelledText& example = texts_.emplace_back();
    for (const auto& part : parts) {
      if (!is_utf8(part)) fail("expected UTF-8, got other bytes");
      if (!part.empty()) example.text += (example.text.empty() ? "" : " ") + part;
    }
    if (!is_utf8(second)) fail("expected UTF-8, got other bytes");
    example.second = std::move(second);
    if (class_names_.empty()) read_target(label, example);
    else read_class(label, example);
  }

  void read_target(const std::string& label, LabelledText& example) const {
    const auto number = real_in(label);
    if (!number) fail(fmt::format("{}: expected a number, got \"{}\"", fields_.label, label));
    example.target = *number;
  }

  void read_class(const std::string& label, LabelledText& example) const {
    const auto named = std::find(class_names_.begin(), class_names_.end(), label);
    const auto count = static_cast<int64_t>(class_names_.size());
    if (named != class_names_.end()) {
      example.label = named - class_names_.begin();
    } else if (const auto number = number_in(label)) {
      example.label = *number - fields_.first_label;
    } else {
      example.label = -1;
    }
    if (example.label < 0 || example.label >= count)
      fail(fmt::format("class: expected {} .. {} or one of {}, got \"{}\"", fields_.first_label,
                       fields_.first_label + count - 1, join(class_names_), label));
  }

  // Of a column's name, or number.
  size_t column(const std::string& name, const io::CsvRecord& first) const {
    const auto count = static_cast<int64_t>(first.cells.size());
    if (fields_.header) {
      const auto found = std::find(first.cells.begin(), first.cells.end(), name);
      if (found != first.cells.end()) return static_cast<size_t>(found - first.cells.begin());
      throw FormatError::in_file(
          file_, fmt::format("line {}: expected a column \"{}\", got {}", first.line, name, join(first.cells)));
    }
    const auto number = number_in(name);
    if (number && *number >= 0 && *number < count) return static_cast<size_t>(*number);
    throw FormatError::in_file(
        file_, fmt::format("line {}: expected a column {}, got {}: 0 .. {}", first.line, name, count, count - 1));
  }

  // A line of tab-separated values may be too short.
  const std::string& cell(const io::CsvRecord& record, size_t at, const std::string& name) const {
    if (at < record.cells.size()) return record.cells[at];
    fail(fmt::format("expected a column {}, got {}: 0 .. {}",
                     fields_.header ? fmt::format("{} (\"{}\")", at, name) : std::to_string(at), record.cells.size(),
                     record.cells.size() - 1));
  }

  void read_columns(const std::vector<io::CsvRecord>& records) {
    if (records.empty()) return;
    const size_t label = column(fields_.label, records[0]);
    const size_t second = fields_.second.empty() ? 0 : column(fields_.second, records[0]);
    std::vector<size_t> columns;
    for (const auto& name : fields_.text) columns.push_back(column(name, records[0]));
    for (size_t r = fields_.header ? 1 : 0; r < records.size(); ++r) {
      where_ = fmt::format("{}: line {}", file_, records[r].line);
      std::vector<std::string> parts;
      for (size_t c = 0; c < columns.size(); ++c) parts.push_back(cell(records[r], columns[c], fields_.text[c]));
      const std::string other = fields_.second.empty() ? "" : cell(records[r], second, fields_.second);
      add(cell(records[r], label, fields_.label), parts, other);
    }
  }

  void read_json_lines(std::string_view content) {
    io::each_json_line(content, file_, false, [&](const Table& table, const std::string& where) {
      where_ = where;
      std::vector<std::string> parts;
      for (const auto& key : fields_.text) {
        const Value* part = table.find(key);
        if (!part || !part->if_text()) fail(fmt::format("{}: expected a text", key));
        parts.push_back(*part->if_text());
      }
      const Value* label = table.find(fields_.label);
      if (!label || !(label->if_text() || label->if_integer()))
        fail(fmt::format("{}: expected a class's number or name", fields_.label));
      add(label->if_text() ? *label->if_text() : std::to_string(*label->if_integer()), parts, "");
    });
  }

  const std::string& file_;
  const TextFields& fields_;
  const std::vector<std::string>& class_names_;
  std::vector<LabelledText> texts_;
  std::string where_;  // the example that is read stands
};

}  // namespace

std::vector<LabelledText> read_labelled_texts(std::string_view content, const std::string& file,
                                              const TextFields& fields, const std::vector<std::string>& class_names) {
  return LabelledTextReader(file, fields, class_names).read(content);
}

}  // namespace heterodyne
