// CSV (RFC 4180): rows for programs and spreadsheets.
#pragma once

#include <string>

#include "heterodyne/base/rows.h"

namespace heterodyne::io {

/// A line of names, then one for each row, without a line end after the last. Cells with commas, quotes or line ends
/// are quoted; real numbers read back exactly; null is an empty cell.
std::string csv_text(const Rows& rows);

}  // namespace heterodyne::io
