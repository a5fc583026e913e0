// Class view: what the classes say about one layer's experts, and whether that is more than chance.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/eval/information.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne::cli {

/// A layer that is looked at must outlive its view.
struct ClassView {
  const GroupCounts* classes = nullptr;  // null: no classes were counted, and nothing else is known
  Contingency table;
  Information information;
  std::optional<ChanceBand> chance;  // of information.mutual
  bool is_beyond_chance = false;

  explicit ClassView(const LayerProfile& layer);

  /// Classes that the expert gets more than chance explains, the farthest above first. None while the layer as a whole
  /// is not distinguishable from chance.
  std::vector<std::string> names_above(size_t expert) const;
};

/// The expert's share of its layer's assignments, 0 .. 1; 0 without any.
double load_share(const LayerProfile& layer, size_t expert);

}  // namespace heterodyne::cli
