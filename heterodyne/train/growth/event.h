// Growth event: one expert came or went. Plain values, and what is said of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

struct GrowthEvent {
  std::string layer;  // "layers.8"
  std::string event;  // "add", "remove", "split" or "merge"
  int64_t id = 0;
  std::vector<int64_t> parents;  // whose weights a new expert began with
  std::string reason;            // "0 assignments in 300 steps", "from 1,204 unrouted tokens"
  int64_t num_experts = 0;       // of the layer, afterwards
  std::string kind = {};         // of the expert: "mlp"
};

/// All that happened after one step, in its order; more than nothing.
struct GrowthReport {
  int64_t step = 0;
  std::vector<GrowthEvent> events;
};

/// {"step": 600, "layer": 8, "event": "remove", "id": 5, "reason": TEXT, "experts": 5}, "kind" where it is
/// known, and "parents" where there are any: a line of experts.jsonl. A layer whose name is not "layers.N" is called by
/// its name.
Table event_line(const GrowthEvent& event, int64_t step);

/// One line for each layer: "step 600  layer 8: removed expert 5 (0 assignments in 300 steps), added expert 6 from
/// 1,204 unrouted tokens; active 6 -> 6".
std::vector<std::string> growth_lines(const GrowthReport& report);

}  // namespace heterodyne
