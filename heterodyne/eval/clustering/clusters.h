// Clusters of rows by k-means: which symbols of a vocabulary are alike, for instance, by a trained model's embedding.
// That is how hash layers with clusters find their table (Roller et al. 2021, "Hash layers for large sparse models",
// section 2.2).
//
// Letters: N rows, D values of a row, K clusters.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne {

struct Clusters {
  torch::Tensor cluster_N;   // int64: 0 .. K-1; every cluster has a row
  double mean_distance = 0;  // squared, of a row to the mean of its cluster
};

/// The best of ten tries of k-means (Lloyd 1982), each begun at rows drawn by k-means++ (Arthur & Vassilvitskii 2007)
/// from the stream "clusters". Computed in float64; equal seeds give equal clusters. Clusters are numbered by their
/// first rows. Throws Error unless 1 <= K <= N.
Clusters k_means(const torch::Tensor& row_ND, int64_t K, uint64_t seed);

}  // namespace heterodyne
