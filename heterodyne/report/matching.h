// Matching: which experts of two routing profiles belong together.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

struct ExpertMatch {
  std::vector<int64_t> after_of;  // position in `after` for each position in `before`, -1 for none
  int64_t num_by_id = 0;          // of them

  /// "id", "what they do", or "id, 2 by what they do"
  std::string rule() const;
};

/// Those of the same id and kind; of the others those whose assignments lie most alike in the classes, or, without
/// classes, whose loads are most alike.
ExpertMatch match_experts(const LayerProfile& before, const LayerProfile& after);

}  // namespace heterodyne
