// Matching: which experts of two routing profiles belong together.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

/// For each row the column it gets, -1 for none, so that the sum of the costs is lowest and no column is given twice;
/// min(rows, columns) rows get one. `cost` is row-major and finite. O(rows^2 x columns) (Kuhn 1955, in the form of
/// shortest augmenting paths, Jonker and Volgenant 1987).
std::vector<int64_t> cheapest_assignment(const std::vector<double>& cost, size_t num_rows, size_t num_columns);

struct ExpertMatch {
  std::vector<int64_t> after_of;  // position in `after` for each position in `before`, -1 for none
  bool is_by_id = false;
};

/// By id when every expert of the layer with fewer is in the other with the same id and kind; otherwise those whose
/// assignments lie most alike in the classes, or, without classes, whose loads are most alike.
ExpertMatch match_experts(const LayerProfile& before, const LayerProfile& after);

}  // namespace heterodyne
