// Bounded assignment: items to bins for the largest total gain, each bin with a least and a most number of items. An
// integer program that is a transportation problem, so its exact optimum is a flow.
//
// Letters: M items, N bins.
#pragma once

#include <cstdint>
#include <vector>

namespace heterodyne {

/// How many items a bin takes.
struct BinBounds {
  int64_t least = 0, most = 0;
};

struct BoundedAssignment {
  std::vector<double> gain_MN;  // row-major, finite
  std::vector<BinBounds> bounds;

  int64_t num_bins() const { return static_cast<int64_t>(bounds.size()); }
  int64_t num_items() const { return bounds.empty() ? 0 : static_cast<int64_t>(gain_MN.size() / bounds.size()); }
};

/// The bin of each item, of an assignment with the largest sum of gains (to a relative 1e-12 of the largest gain).
/// Begins with `start` where it is given and keeps the bounds, which is quick when it is nearly the best. Cycles of
/// moves that gain are carried out until there is none (Klein 1967); a move from bin to bin is that of the item which
/// loses least. Throws Error when no assignment keeps the bounds, or the sizes do not fit.
std::vector<int64_t> assign_within(const BoundedAssignment& problem, std::vector<int64_t> start = {});

/// The sum of the items' gains in their bins.
double gain_of(const BoundedAssignment& problem, const std::vector<int64_t>& bin_M);

}  // namespace heterodyne
