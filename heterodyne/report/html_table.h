// Rows as an HTML table.
#pragma once

#include <string>

#include "heterodyne/base/rows.h"

namespace heterodyne {

/// A cell's text for people, not escaped: "1,024", "0.015625" (six significant digits), "yes", "" for null and for what
/// is no number; lists and tables as JSON.
std::string cell_text(const Value& value);

/// The rows as a <table> with escaped text and without the end tags that HTML lets out. The first cell of a row heads
/// it; cells of text have the class "t", so that the page can align the others as numbers. At most `most_cells` are
/// written, one row at the least: of longer tables every second row, every third and so on, and a note that says so.
std::string html_table(const Rows& rows, size_t most_cells);

}  // namespace heterodyne
