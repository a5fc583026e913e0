// Layer load: how much each expert of a layer got, from the best that is recorded: the routing profile of a whole
// split, or the latest counts of training.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/routing_profile.h"
#include "heterodyne/report/panel.h"

namespace heterodyne {

struct ReportedLoad {
  std::string layer;
  std::vector<ExpertFacts> experts;  // of training's counts: ids alone
  LayerCounts counts;                // of training's counts: without tokens
  std::string source;                // "the valid split", "training, steps up to 500"

  Balance balance() const { return balance_of(counts.count_E); }
  /// c_e / A; 0 without assignments.
  double share(size_t expert) const;
  bool has_tokens() const { return counts.num_tokens > 0; }
};

/// Of every MoE layer; none when nothing was recorded.
std::vector<ReportedLoad> layer_loads(const ReportInput& input);

/// Where the loads come from: "the valid split", "training".
std::string profile_source(const RoutingProfile& profile);

/// The one with the largest violation; 0 when there are none.
size_t worst_layer(const std::vector<ReportedLoad>& loads);

/// A switch between the profile's layers, opened at the worst.
Choice layer_choice(const std::vector<LayerProfile>& layers);

/// "3 vit", or "3" for an expert without name.
std::string expert_label(const ExpertFacts& expert);
std::vector<std::string> expert_labels(const std::vector<ExpertFacts>& experts);

/// Positions of the experts by kind, then size, then id.
std::vector<size_t> by_kind_and_size(const std::vector<ExpertFacts>& experts);

}  // namespace heterodyne
