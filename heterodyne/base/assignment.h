// Assignment: which rows and columns of a table of costs go together, as cheaply as can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heterodyne {

/// For each row the column it gets, -1 for none, so that the sum of the costs is lowest and no column is given twice;
/// min(rows, columns) rows get one. `cost` is row-major and finite. O(rows^2 x columns) (Kuhn 1955, in the form of
/// shortest augmenting paths, Jonker and Volgenant 1987).
std::vector<int64_t> cheapest_assignment(const std::vector<double>& cost, size_t num_rows, size_t num_columns);

}  // namespace heterodyne
