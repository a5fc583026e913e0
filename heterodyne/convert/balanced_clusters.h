// Balanced clusters: k-means whose clusters all have the same number of rows, as MoEfication (Zhang et al. 2022,
// section 3.2) and HEMoE divide neurons. Rows are compared by direction.
//
// Letters: F rows, H features, M clusters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

struct ClusterOptions {
  int64_t most_rounds = 20;
  uint64_t seed = 0;
  std::string name = "clusters";  // of the stream that the first centers are drawn from
};

/// The cluster of each row of row_FH (any floating dtype). Centers begin as k-means++ draws them (Arthur and
/// Vassilvitskii 2007); each round assigns all rows exactly (bounded_assignment.h), to clusters of floor(F / M) or
/// ceil(F / M) rows, and moves the centers to the means; it ends when nothing moves. Throws Error unless 1 <= M <= F.
std::vector<int64_t> balanced_clusters(const torch::Tensor& row_FH, int64_t num_clusters,
                                       const ClusterOptions& options);

}  // namespace heterodyne
