// Rows: a table with named columns, before anybody decides how it looks. What commands print and reports show.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;  // each as long as `columns`; null for "nothing"
};

}  // namespace heterodyne
