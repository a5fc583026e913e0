// Measuring routing: all that a routing profile can hold, for one split of a data set.
#pragma once

#include <functional>
#include <string>

#include "heterodyne/data/dataset.h"
#include "heterodyne/data/loader.h"
#include "heterodyne/eval/routing_profile.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

struct MeasureOptions {
  torch::Dtype dtype = torch::kFloat32;  // the network's
  int64_t num_examples = 0;              // at most, the first of the split; 0: all
  int64_t num_sampled_tokens = 1024;
  uint64_t seed = 0;  // the network's: of shuffled labels; random routers draw from the next
  bool knock_out = false;
  bool similarity = false;
  bool random_control = false;
  bool latency = false;
  /// Told the pass ("routing", "random router", "knock-out", "similarity") and its batches done so far. May be empty.
  std::function<void(const std::string& pass, int64_t num_batches)> on_batch;
};

/// Passes over the split, in its order: one for the routing, and one for each other measurement that is asked for.
/// `loading` says how big batches are. `about` is left empty. Throws what the data set does.
RoutingProfile measure_routing(Network& network, const Dataset& dataset, Split split, LoaderOptions loading,
                               const MeasureOptions& options);

}  // namespace heterodyne
