#include "heterodyne/base/assignment.h"

#include <limits>

namespace heterodyne {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

// Rows and columns count from 1 here; 0 is a column outside, where each augmenting path begins.
class Assignment {
 public:
  Assignment(const std::vector<double>& cost, size_t num_rows, size_t num_columns)
      : cost_(cost),
        num_columns_(num_columns),
        row_price_(num_rows + 1),
        price_(num_columns + 1),
        row_of_(num_columns + 1) {
    for (size_t row = 1; row <= num_rows; ++row) augment(row);
  }

  const std::vector<size_t>& row_of() const { return row_of_; }

 private:
  double reduced(size_t row, size_t column) const {
    return cost_[(row - 1) * num_columns_ + column - 1] - row_price_[row] - price_[column];
  }

  // Finds the cheapest path from `row` to a free column, and turns it over.
  void augment(size_t row) {
    std::vector<double> distance(num_columns_ + 1, kFar);
    std::vector<size_t> previous(num_columns_ + 1, 0);
    std::vector<bool> is_done(num_columns_ + 1, false);
    row_of_[0] = row;
    size_t column = 0;
    while (row_of_[column] != 0) {
      is_done[column] = true;
      const size_t nearest = step(column, distance, previous, is_done);
      const double length = distance[nearest];
      for (size_t c = 0; c <= num_columns_; ++c) {
        if (is_done[c]) {
          row_price_[row_of_[c]] += length;
          price_[c] -= length;
        } else {
          distance[c] -= length;
        }
      }
      column = nearest;
    }
    for (; column != 0; column = previous[column]) row_of_[column] = row_of_[previous[column]];
  }

  // Looks from the row of `from` at every column that is not done; returns the nearest.
  size_t step(size_t from, std::vector<double>& distance, std::vector<size_t>& previous,
              const std::vector<bool>& is_done) const {
    size_t nearest = 0;
    for (size_t column = 1; column <= num_columns_; ++column) {
      if (is_done[column]) continue;
      const double length = reduced(row_of_[from], column);
      if (length < distance[column]) {
        distance[column] = length;
        previous[column] = from;
      }
      if (nearest == 0 || distance[column] < distance[nearest]) nearest = column;
    }
    return nearest;
  }

  const std::vector<double>& cost_;
  size_t num_columns_;
  std::vector<double> row_price_, price_;
  std::vector<size_t> row_of_;
};

}  // namespace

std::vector<int64_t> cheapest_assignment(const std::vector<double>& cost, size_t num_rows, size_t num_columns) {
  std::vector<int64_t> column_of(num_rows, -1);
  if (num_rows == 0 || num_columns == 0) return column_of;
  if (num_rows > num_columns) {
    std::vector<double> turned(cost.size());
    for (size_t r = 0; r < num_rows; ++r) {
      for (size_t c = 0; c < num_columns; ++c) turned[c * num_rows + r] = cost[r * num_columns + c];
    }
    const auto row_of = cheapest_assignment(turned, num_columns, num_rows);
    for (size_t c = 0; c < num_columns; ++c) column_of[static_cast<size_t>(row_of[c])] = static_cast<int64_t>(c);
    return column_of;
  }
  const Assignment assignment(cost, num_rows, num_columns);
  for (size_t c = 1; c <= num_columns; ++c) {
    const size_t row = assignment.row_of()[c];
    if (row > 0) column_of[row - 1] = static_cast<int64_t>(c - 1);
  }
  return column_of;
}

}  // namespace heterodyne
