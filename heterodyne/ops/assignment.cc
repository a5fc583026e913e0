#include "heterodyne/ops/assignment.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"

namespace heterodyne::ops {
namespace {

constexpr int64_t kNone = -1;

torch::Tensor as_float64(const torch::Tensor& score_TE) { return score_TE.detach().to(torch::kFloat64).contiguous(); }

// An assignment of the rows seen so far, the best there is for the room that columns had.
class Assigner {
 public:
  Assigner(const double* score_TE, int64_t num_rows, int64_t num_columns)
      : score_TE_(score_TE),
        E_(num_columns),
        column_T_(static_cast<size_t>(num_rows), kNone),
        count_E_(static_cast<size_t>(num_columns)),
        moves_EE_(static_cast<size_t>(num_columns * num_columns)) {}

  // Gives `row` a column, moving others on where that is better. Some column must have fewer than `room` rows.
  void add(int64_t row, int64_t room) {
    std::vector<double> loss_E(score_TE_ + row * E_, score_TE_ + (row + 1) * E_);
    for (double& loss : loss_E) loss = -loss;
    std::vector<int64_t> before_E(static_cast<size_t>(E_), kNone);
    relax(loss_E, before_E);
    int64_t end = kNone;
    for (int64_t e = 0; e < E_; ++e) {
      if (count_E_[at(e)] < room && (end == kNone || loss_E[at(e)] < loss_E[at(end)])) end = e;
    }
    ++count_E_[at(end)];
    for (int64_t to = end, from = before_E[at(end)]; from != kNone; to = from, from = before_E[at(from)]) {
      put(best_move(from, to).second, to);
    }
    int64_t first = end;
    while (before_E[at(first)] != kNone) first = before_E[at(first)];
    put(row, first);
  }

  const std::vector<int64_t>& columns() const { return column_T_; }

 private:
  using Move = std::pair<double, int64_t>;  // what is lost when this row leaves for the other column
  using Moves = std::priority_queue<Move, std::vector<Move>, std::greater<>>;

  static size_t at(int64_t index) { return static_cast<size_t>(index); }

  // The least loss with which each column can be reached (Bellman and Ford over the columns).
  void relax(std::vector<double>& loss_E, std::vector<int64_t>& before_E) {
    for (int64_t round = 1; round < E_; ++round) {
      bool has_changed = false;
      for (int64_t from = 0; from < E_; ++from) {
        for (int64_t to = 0; to < E_; ++to) {
          if (to == from || count_E_[at(from)] == 0) continue;
          const double loss = loss_E[at(from)] + best_move(from, to).first;
          if (!(loss < loss_E[at(to)] - kSlack) || leads_back(before_E, from, to)) continue;
          loss_E[at(to)] = loss;
          before_E[at(to)] = from;
          has_changed = true;
        }
      }
      if (!has_changed) return;
    }
  }

  // Whether `to` lies on the chain that ends at `from`: rounding must not close a circle.
  static bool leads_back(const std::vector<int64_t>& before_E, int64_t from, int64_t to) {
    for (int64_t e = from; e != kNone; e = before_E[at(e)]) {
      if (e == to) return true;
    }
    return false;
  }

  Move best_move(int64_t from, int64_t to) {
    Moves& moves = moves_EE_[at(from * E_ + to)];
    while (column_T_[at(moves.top().second)] != from) moves.pop();  // rows that have left
    return moves.top();
  }

  void put(int64_t row, int64_t column) {
    column_T_[at(row)] = column;
    const double* score_E = score_TE_ + row * E_;
    for (int64_t to = 0; to < E_; ++to) {
      if (to != column) moves_EE_[at(column * E_ + to)].emplace(score_E[column] - score_E[to], row);
    }
  }

  static constexpr double kSlack = 1e-12;
  const double* score_TE_;
  int64_t E_;
  std::vector<int64_t> column_T_, count_E_;
  std::vector<Moves> moves_EE_;
};

// Pairs under limits, with the search for a chain of moves that makes one more.
class PairSet {
 public:
  PairSet(int64_t num_rows, int64_t num_columns, const PairLimits& limits)
      : T_(num_rows),
        E_(num_columns),
        limits_(limits),
        has_TE_(static_cast<size_t>(num_rows * num_columns)),
        count_T_(static_cast<size_t>(num_rows)),
        count_E_(static_cast<size_t>(num_columns)) {}

  bool has(int64_t t, int64_t e) const { return has_TE_[static_cast<size_t>(t * E_ + e)] != 0; }
  bool has_row_room(int64_t t) const { return count_T_[static_cast<size_t>(t)] < limits_.per_row; }
  bool has_column_room(int64_t e) const { return count_E_[static_cast<size_t>(e)] < limits_.per_column; }

  void set(int64_t t, int64_t e, bool present) {
    has_TE_[static_cast<size_t>(t * E_ + e)] = present ? 1 : 0;
    count_T_[static_cast<size_t>(t)] += present ? 1 : -1;
    count_E_[static_cast<size_t>(e)] += present ? 1 : -1;
  }

  // One more pair in `column`: a row with room, or one that another column gives up for a row of its own choice.
  bool add_one(int64_t column) {
    std::vector<Step> via_E(static_cast<size_t>(E_));
    std::vector<uint8_t> is_seen_E(static_cast<size_t>(E_));
    std::deque<int64_t> waiting{column};
    is_seen_E[static_cast<size_t>(column)] = 1;
    while (!waiting.empty()) {
      const int64_t e = waiting.front();
      waiting.pop_front();
      for (int64_t t = 0; t < T_; ++t) {
        if (has(t, e)) continue;
        if (has_row_room(t)) {
          follow(via_E, column, e, t);
          return true;
        }
        for (int64_t other = 0; other < E_; ++other) {
          if (is_seen_E[static_cast<size_t>(other)] || !has(t, other)) continue;
          is_seen_E[static_cast<size_t>(other)] = 1;
          via_E[static_cast<size_t>(other)] = {e, t};
          waiting.push_back(other);
        }
      }
    }
    return false;
  }

  torch::Tensor tensor() const {
    auto pairs_TE = torch::empty({T_, E_}, torch::kBool);
    std::transform(has_TE_.begin(), has_TE_.end(), pairs_TE.data_ptr<bool>(), [](uint8_t flag) { return flag != 0; });
    return pairs_TE;
  }

 private:
  struct Step {
    int64_t taker = kNone;  // the column that takes
    int64_t row = kNone;    // this row from the one at hand
  };

  void follow(const std::vector<Step>& via_E, int64_t start, int64_t e, int64_t row) {
    while (true) {
      set(row, e, true);
      if (e == start) return;
      const Step step = via_E[static_cast<size_t>(e)];
      set(step.row, e, false);
      e = step.taker;
      row = step.row;
    }
  }

  int64_t T_, E_;
  PairLimits limits_;
  std::vector<uint8_t> has_TE_;
  std::vector<int64_t> count_T_, count_E_;
};

}  // namespace

torch::Tensor balanced_assignment(const torch::Tensor& score_TE) {
  check_shape("balanced_assignment", "score_TE", score_TE, {"T", "E"});
  const int64_t T = score_TE.size(0), E = score_TE.size(1);
  if (E == 0) throw ShapeError("balanced_assignment", "score_TE: expected at least one column, got none");
  const auto score = as_float64(score_TE);
  Assigner assigner(score.data_ptr<double>(), T, E);
  // While the first T - T mod E rows enter no column may have more than T / E; so all have that many in the end.
  const int64_t share = T / E, num_even = share * E;
  for (int64_t t = 0; t < T; ++t) assigner.add(t, t < num_even ? share : share + 1);
  return torch::tensor(assigner.columns(), torch::kInt64);
}

torch::Tensor limited_pairs(const torch::Tensor& rank_TE, const PairLimits& limits) {
  check_shape("limited_pairs", "rank_TE", rank_TE, {"T", "E"});
  const int64_t T = rank_TE.size(0), E = rank_TE.size(1);
  const auto rank = as_float64(rank_TE);
  const double* value = rank.data_ptr<double>();
  std::vector<int64_t> order(static_cast<size_t>(T * E));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [value](int64_t a, int64_t b) { return value[a] > value[b]; });
  PairSet pairs(T, E, limits);
  for (const int64_t pair : order) {
    if (pairs.has_row_room(pair / E) && pairs.has_column_room(pair % E)) pairs.set(pair / E, pair % E, true);
  }
  for (int64_t e = 0; e < E; ++e) {
    while (pairs.has_column_room(e) && pairs.add_one(e)) {
    }
  }
  return pairs.tensor();
}

}  // namespace heterodyne::ops
