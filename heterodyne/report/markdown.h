// Markdown: the report for places that show text: findings, sentences and tables.
#pragma once

#include <string>

#include "heterodyne/report/report.h"

namespace heterodyne {

/// The whole file, with every view of every figure. Text of the
/// report cannot become markup: what Markdown or HTML would read is escaped, and control characters become U+FFFD.
std::string markdown(const Report& report);

/// One piece of text on one line, escaped.
std::string markdown_text(const std::string& text);

/// A table; of more than `most` rows the first, and a line that says how many there are.
std::string markdown_table(const Rows& rows, size_t most = 200);

}  // namespace heterodyne
