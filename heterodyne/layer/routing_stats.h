// Routing statistics: how evenly a layer's experts were used. Accumulates counts in one pass, in memory that does not
// grow with the data.
//
// Letters: E experts, c_e assignments of expert e, q_e = c_e / sum of c.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/layer/routing.h"

namespace heterodyne {

/// Balance of one layer; router-family literature's usual numbers. All zero when nothing was assigned.
struct Balance {
  double cv = 0;             // population standard deviation of c / mean of c
  double entropy = 0;        // - sum q ln q / ln E; 1 is even. 1 for a single expert
  double effective = 0;      // exp(- sum q ln q): the number of evenly used experts with this entropy
  double max_violation = 0;  // largest c / mean of c - 1 (Wang et al. 2024)
  double gini = 0;           // sum |c_i - c_j| / (2 E^2 mean of c)
  int64_t num_dead = 0;      // c = 0
  int64_t num_starved = 0;   // 0 < c < mean of c / 100
};

Balance balance_of(const std::vector<int64_t>& count_E);

/// Whether a layer has collapsed onto the fewest experts that its tokens can use: with `mean_k` choices per token out
/// of at least twice as many experts, the effective number of experts is below 1.25 max(1, mean_k).
bool is_collapsed(const Balance& balance, double mean_k, int64_t num_experts);

/// One layer's counts over many batches.
struct LayerCounts {
  std::string layer;
  std::vector<int64_t> count_E;  // by position
  int64_t num_tokens = 0;
  int64_t num_unrouted = 0;
  int64_t num_dropped = 0;  // assignments that found no room

  int64_t num_assignments() const;
  /// Assignments per token; 0 without tokens.
  double mean_k() const;
};

class RoutingStats {
 public:
  RoutingStats() = default;
  explicit RoutingStats(std::vector<LayerCounts> layers) : layers_(std::move(layers)) {}

  /// Adds one batch, or other statistics. Throws Error when a layer's number of experts differs from before.
  void add(const RoutingLog& log);
  void add(const RoutingStats& other);
  const std::vector<LayerCounts>& layers() const { return layers_; }

 private:
  void add(const LayerCounts& counts);

  std::vector<LayerCounts> layers_;
};

}  // namespace heterodyne
