// Matching: which experts of two routing profiles belong together.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

struct ExpertMatch {
  std::vector<int64_t> after_of;  // position in `after` for each position in `before`, -1 for none
  bool is_by_id = false;
};

/// By id when every expert of the layer with fewer is in the other with the same id and kind; otherwise those whose
/// assignments lie most alike in the classes, or, without classes, whose loads are most alike.
ExpertMatch match_experts(const LayerProfile& before, const LayerProfile& after);

}  // namespace heterodyne
