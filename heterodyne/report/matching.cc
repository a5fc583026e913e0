#include "heterodyne/report/matching.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heterodyne/report/group_figure.h"

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

bool is_matched_by_id(const LayerProfile& fewer, const LayerProfile& more) {
  return std::all_of(fewer.experts.begin(), fewer.experts.end(), [&](const ExpertFacts& one) {
    return std::any_of(more.experts.begin(), more.experts.end(),
                       [&](const ExpertFacts& other) { return one.id == other.id && one.kind == other.kind; });
  });
}

// What an expert is compared by: its assignments over the classes, or its share alone.
std::vector<std::vector<double>> features(const LayerProfile& layer, bool by_class) {
  std::vector<std::vector<double>> all(layer.experts.size());
  const auto sum = static_cast<double>(std::max<int64_t>(layer.counts.num_assignments(), 1));
  const auto table = contingency_of(layer, "class");
  for (size_t e = 0; e < all.size(); ++e) {
    if (!by_class) {
      all[e] = {static_cast<double>(layer.counts.count_E[e]) / sum};
      continue;
    }
    const auto share_EY = class_given_expert(*table);
    const auto begin = share_EY.begin() + static_cast<int64_t>(e) * table->num_classes;
    all[e].assign(begin, begin + table->num_classes);
  }
  return all;
}

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

ExpertMatch match_experts(const LayerProfile& before, const LayerProfile& after) {
  const bool is_fewer = before.experts.size() <= after.experts.size();
  ExpertMatch match{{}, is_fewer ? is_matched_by_id(before, after) : is_matched_by_id(after, before)};
  if (match.is_by_id) {
    for (const ExpertFacts& expert : before.experts) {
      const auto found = std::find_if(after.experts.begin(), after.experts.end(), [&](const ExpertFacts& other) {
        return other.id == expert.id && other.kind == expert.kind;
      });
      match.after_of.push_back(found == after.experts.end() ? -1 : found - after.experts.begin());
    }
    return match;
  }
  const auto one_table = contingency_of(before, "class"), other_table = contingency_of(after, "class");
  const bool by_class = one_table && other_table && one_table->num_classes == other_table->num_classes;
  const auto one = features(before, by_class), other = features(after, by_class);
  std::vector<double> cost;
  for (const auto& a : one) {
    for (const auto& b : other) {
      double distance = 0;
      for (size_t i = 0; i < a.size(); ++i) distance += std::abs(a[i] - b[i]) / 2;
      cost.push_back(distance);
    }
  }
  match.after_of = cheapest_assignment(cost, one.size(), other.size());
  return match;
}

}  // namespace heterodyne
