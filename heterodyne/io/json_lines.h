// JSON lines: a file with one document on each line, as data sets, questions and logs are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "heterodyne/base/table.h"

namespace heterodyne::io {

/// What is done with the table of a line, and where it stands: "questions.jsonl: line 7".
using TakeLine = std::function<void(const Table& table, const std::string& where)>;

/// Calls `take` for each line that is not blank, in order. Throws FormatError naming the line that is not one table in
/// JSON, and what `take` throws. With `skips_bad` such lines are left out, FormatErrors of `take` included.
/// Returns how many were left out.
int64_t each_json_line(std::string_view text, const std::string& file, bool skips_bad, const TakeLine& take);

/// The same for a file that is either such lines or one JSON list of tables, whose places are "rows.json: entry 7".
int64_t each_json_row(std::string_view text, const std::string& file, bool skips_bad, const TakeLine& take);

}  // namespace heterodyne::io
