// Evaluate: how good a network is on one split, and how it used its experts while it answered.
#pragma once

#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/eval/metrics.h"
#include "heterodyne/eval/pass.h"
#include "heterodyne/eval/routing_recorder.h"
#include "heterodyne/layer/routing_stats.h"

namespace heterodyne {

struct Evaluation {
  ClassificationMetrics metrics;
  RoutingStats routing;
  CostPair cost;  // of one example, at the loads that were seen
  int64_t num_params = 0;
  double active_params = 0;  // that an average token meets: of an expert's as often as it is chosen, all others

  /// The scores of the metrics, then for each MoE layer "layers.0.cv" and its other balance numbers, mean k and shares;
  /// last "params", "params.active" and, of one example, "macs.routed" and "macs.executed".
  /// Shares are 0 .. 1. Expert shares are named by id: "layers.0.experts.3.share".
  Table table() const;

  std::vector<std::vector<int64_t>> ids;  // of each MoE layer's experts, by position
};

/// Runs the network in eval mode over one pass of the loader; its mode is restored. `recorder` (may be null) looks at
/// every batch's routing.
Evaluation evaluate(Network& network, Loader& loader, const PassOptions& pass, RoutingRecorder* recorder = nullptr);

/// A recorder for a pass over the split: classes and labels as the data set has them.
RecorderOptions recorder_options(const Dataset& dataset, Split split, uint64_t seed);

/// What a pass of evaluate() with this recorder found. `about` says what was looked at. Without a recorder there are
/// the experts, their counts and the cost, and nothing else.
RoutingProfile profile_of(Network& network, const Evaluation& evaluation, const RoutingRecorder* recorder,
                          Table about = {});

}  // namespace heterodyne
