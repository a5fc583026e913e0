#include "heterodyne/convert/bounded_assignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

void check(const BoundedAssignment& problem) {
  const int64_t M = problem.num_items();
  int64_t least = 0, most = 0;
  for (const auto& bounds : problem.bounds) {
    if (bounds.least < 0 || bounds.least > bounds.most) {
      throw Error("convert.assignment",
                  fmt::format("bounds of a bin: expected 0 <= least <= most, got {} .. {}", bounds.least, bounds.most));
    }
    least += bounds.least;
    most += bounds.most;
  }
  if (problem.bounds.empty() || static_cast<size_t>(M) * problem.bounds.size() != problem.gain_MN.size())
    throw Error("convert.assignment", "gains: expected one for each item and bin");
  if (M < least || M > most) {
    throw Error("convert.assignment",
                fmt::format("expected between {} and {} items, as the bins can take, got {}", least, most, M));
  }
  const bool is_finite =
      std::all_of(problem.gain_MN.begin(), problem.gain_MN.end(), [](double v) { return std::isfinite(v); });
  if (!is_finite) throw Error("convert.assignment", "gains: expected finite numbers, got others");
}

class Solver {
 public:
  Solver(const BoundedAssignment& problem, std::vector<int64_t> start)
      : problem_(problem), M_(problem.num_items()), N_(problem.num_bins()), bin_M_(std::move(start)) {
    members_.resize(static_cast<size_t>(N_));
    for (const double gain : problem.gain_MN) tolerance_ = std::max(tolerance_, std::fabs(gain));
    tolerance_ *= 1e-12;
    if (!keeps_bounds()) make_start();
    for (int64_t i = 0; i < M_; ++i) members(bin_M_[static_cast<size_t>(i)]).push_back(i);
    const auto nodes = static_cast<size_t>((N_ + 1) * (N_ + 1));
    loss_.assign(nodes, kNever);
    mover_.assign(nodes, -1);
    for (int64_t bin = 0; bin < N_; ++bin) update(bin);
  }

  std::vector<int64_t> solve() {
    while (cancel_a_cycle()) {
    }
    return bin_M_;
  }

 private:
  double gain(int64_t item, int64_t bin) const { return problem_.gain_MN[static_cast<size_t>(item * N_ + bin)]; }
  const BinBounds& bounds(int64_t bin) const { return problem_.bounds[static_cast<size_t>(bin)]; }
  std::vector<int64_t>& members(int64_t bin) { return members_[static_cast<size_t>(bin)]; }
  int64_t size_of(int64_t bin) { return static_cast<int64_t>(members(bin).size()); }
  double& loss(int64_t from, int64_t to) { return loss_[static_cast<size_t>(from * (N_ + 1) + to)]; }
  int64_t& mover(int64_t from, int64_t to) { return mover_[static_cast<size_t>(from * (N_ + 1) + to)]; }

  bool keeps_bounds() const {
    if (static_cast<int64_t>(bin_M_.size()) != M_) return false;
    std::vector<int64_t> count(static_cast<size_t>(N_), 0);
    for (const int64_t bin : bin_M_) {
      if (bin < 0 || bin >= N_) return false;
      ++count[static_cast<size_t>(bin)];
    }
    for (int64_t bin = 0; bin < N_; ++bin) {
      const int64_t size = count[static_cast<size_t>(bin)];
      if (size < bounds(bin).least || size > bounds(bin).most) return false;
    }
    return true;
  }

  // Each item to its best bin with room, those with most to lose first; rooms that bins must fill are kept for them.
  void make_start() {
    std::vector<int64_t> order(static_cast<size_t>(M_)), count(static_cast<size_t>(N_), 0);
    std::vector<double> regret(static_cast<size_t>(M_));
    for (int64_t i = 0; i < M_; ++i) {
      double best = -kNever, second = -kNever;
      for (int64_t bin = 0; bin < N_; ++bin) {
        const double value = gain(i, bin);
        if (value > best) second = std::exchange(best, value);
        else second = std::max(second, value);
      }
      regret[static_cast<size_t>(i)] = N_ > 1 ? best - second : 0;
    }
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return regret[static_cast<size_t>(a)] > regret[static_cast<size_t>(b)];
    });
    int64_t owed = 0, left = M_;
    for (int64_t bin = 0; bin < N_; ++bin) owed += bounds(bin).least;
    bin_M_.assign(static_cast<size_t>(M_), -1);
    for (const int64_t item : order) {
      int64_t best = -1;
      for (int64_t bin = 0; bin < N_; ++bin) {
        const int64_t size = count[static_cast<size_t>(bin)];
        const bool is_owed = size < bounds(bin).least;
        if (size >= bounds(bin).most || (!is_owed && left <= owed)) continue;
        if (best < 0 || gain(item, bin) > gain(item, best)) best = bin;
      }
      auto& size = count[static_cast<size_t>(best)];
      if (size < bounds(best).least) --owed;
      ++size;
      --left;
      bin_M_[static_cast<size_t>(item)] = best;
    }
  }

  // What moving an item out of `bin` loses at least, to each other bin; and whether sizes may change, which is a move
  // through node N at no loss.
  void update(int64_t bin) {
    for (int64_t to = 0; to < N_; ++to) {
      double least = kNever;
      int64_t item = -1;
      for (const int64_t i : members(bin)) {
        const double lost = gain(i, bin) - gain(i, to);
        if (to != bin && lost < least) least = lost, item = i;
      }
      loss(bin, to) = least;
      mover(bin, to) = item;
    }
    loss(bin, N_) = size_of(bin) < bounds(bin).most ? 0 : kNever;   // an item may come to stay
    loss(N_, bin) = size_of(bin) > bounds(bin).least ? 0 : kNever;  // one may leave for good
  }

  // Bellman and Ford from everywhere at once; a cycle among the predecessors loses less than nothing.
  bool cancel_a_cycle() {
    const int64_t nodes = N_ + 1;
    std::vector<double> distance(static_cast<size_t>(nodes), 0);
    std::vector<int64_t> before(static_cast<size_t>(nodes), -1);
    for (int64_t round = 0; round <= nodes; ++round) {
      bool is_changed = false;
      for (int64_t from = 0; from < nodes; ++from) {
        const double here = distance[static_cast<size_t>(from)];
        for (int64_t to = 0; to < nodes; ++to) {
          const double there = here + loss(from, to);
          if (!(there < distance[static_cast<size_t>(to)] - tolerance_)) continue;
          distance[static_cast<size_t>(to)] = there;
          before[static_cast<size_t>(to)] = from;
          is_changed = true;
        }
      }
      if (!is_changed) return false;
      const auto cycle = cycle_in(before);
      if (!cycle.empty() && move_along(cycle)) return true;
    }
    return false;
  }

  // The nodes of a cycle, each the predecessor of the next; empty when there is none.
  static std::vector<int64_t> cycle_in(const std::vector<int64_t>& before) {
    std::vector<int64_t> seen(before.size(), -1);
    for (size_t begin = 0; begin < before.size(); ++begin) {
      auto node = static_cast<int64_t>(begin);
      while (node >= 0 && seen[static_cast<size_t>(node)] < 0) {
        seen[static_cast<size_t>(node)] = static_cast<int64_t>(begin);
        node = before[static_cast<size_t>(node)];
      }
      if (node < 0 || seen[static_cast<size_t>(node)] != static_cast<int64_t>(begin)) continue;
      std::vector<int64_t> cycle{node};
      for (int64_t at = before[static_cast<size_t>(node)]; at != node; at = before[static_cast<size_t>(at)])
        cycle.push_back(at);
      std::reverse(cycle.begin(), cycle.end());
      return cycle;
    }
    return {};
  }

  // False when rounding makes the cycle lose after all.
  bool move_along(const std::vector<int64_t>& cycle) {
    double total = 0;
    for (size_t i = 0; i < cycle.size(); ++i) total += loss(cycle[i], cycle[(i + 1) % cycle.size()]);
    if (!(total < -tolerance_)) return false;
    struct Move {
      int64_t item, to;
    };
    std::vector<Move> moves;
    for (size_t i = 0; i < cycle.size(); ++i) {
      const int64_t from = cycle[i], to = cycle[(i + 1) % cycle.size()];
      if (from < N_ && to < N_) moves.push_back({mover(from, to), to});
    }
    for (const auto& [item, to] : moves) {
      auto& left = members(bin_M_[static_cast<size_t>(item)]);
      left.erase(std::find(left.begin(), left.end(), item));
      members(to).push_back(item);
      bin_M_[static_cast<size_t>(item)] = to;
    }
    for (const int64_t node : cycle) {
      if (node < N_) update(node);
    }
    return true;
  }

  const BoundedAssignment& problem_;
  int64_t M_, N_;
  double tolerance_ = 0;
  std::vector<int64_t> bin_M_;
  std::vector<std::vector<int64_t>> members_;
  std::vector<double> loss_;    // [N + 1, N + 1]
  std::vector<int64_t> mover_;  // the item that a move would take
};

}  // namespace

std::vector<int64_t> assign_within(const BoundedAssignment& problem, std::vector<int64_t> start) {
  check(problem);
  return Solver(problem, std::move(start)).solve();
}

double gain_of(const BoundedAssignment& problem, const std::vector<int64_t>& bin_M) {
  double sum = 0;
  for (size_t i = 0; i < bin_M.size(); ++i)
    sum += problem.gain_MN[i * problem.bounds.size() + static_cast<size_t>(bin_M[i])];
  return sum;
}

}  // namespace heterodyne
