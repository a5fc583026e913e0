// Lives: when each expert of a layer came and went, from experts.jsonl and the loads of training.
//
// A line of experts.jsonl is {"step": 600, "layer": 8, "event": "remove", "id": 5, "reason": TEXT}; events are add,
// remove, split and merge. `parents` lists the ids a new expert was made of: those of a merge end with it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/report/report_input.h"

namespace heterodyne {

struct Life {
  int64_t id = 0;
  std::string name, kind;  // empty when not recorded
  int64_t born = 0;        // step; 0 for those the run began with
  int64_t end = 0;         // step of its removal, or the last step known
  bool is_alive = true;    // at the end
  std::vector<int64_t> parents;
  std::vector<std::string> reasons;  // "600 added from 1,204 unrouted tokens", in their order
};

struct LayerLives {
  std::string layer;
  std::vector<Life> experts;  // by id
  int64_t last_step = 0;

  /// No expert came or went.
  bool is_fixed() const;
  int64_t num_active(int64_t step) const;
  /// [step, experts alive from then on], at the beginning and at each change.
  std::vector<std::pair<int64_t, int64_t>> active() const;
  bool is_alive(int64_t id) const;
};

/// Of each layer that anything is known of, in the order in which layers appear.
std::vector<LayerLives> layer_lives(const ReportInput& input);

/// The latest step of any line of metrics.jsonl or experts.jsonl; 0 without one.
int64_t last_step(const RunRecord& run);

/// The name of the layer that an event is about, "layers.8"; empty when it names none.
std::string layer_of_event(const Table& event);

/// The value of a key that should hold a whole number; `otherwise` when it does not.
int64_t integer_or(const Table& table, const std::string& key, int64_t otherwise);
/// The text at a key; empty when there is none.
std::string text_or_empty(const Table& table, const std::string& key);

}  // namespace heterodyne
