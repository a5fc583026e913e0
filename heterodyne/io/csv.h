// CSV (RFC 4180) and tab-separated values: rows for programs and spreadsheets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/base/rows.h"

namespace heterodyne::io {

/// A line of names, then one for each row, without a line end after the last. Cells with commas, quotes or line ends
/// are quoted; real numbers read back exactly; null is an empty cell.
std::string csv_text(const Rows& rows);

struct CsvRecord {
  std::vector<std::string> cells;
  int64_t line = 0;  // on which it begins, counted from 1
};

/// The records of a file, lines of names among them; empty lines are none. All have as many cells as the first.
/// Throws FormatError with the line: a quote inside a cell that does not begin with one, something between a closing
/// quote and the next comma, a quote that is never closed, another number of cells.
std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& file);

/// The lines of a file of tab-separated values, those of names among them; empty lines are none. Nothing is quoted: a
/// quotation mark is a character like others. Lines may have different numbers of cells. A byte order mark at the
/// beginning and carriage returns at the ends of lines are left out.
std::vector<CsvRecord> parse_tsv(std::string_view text);

}  // namespace heterodyne::io
