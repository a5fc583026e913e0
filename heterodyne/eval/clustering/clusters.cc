#include "heterodyne/eval/clustering/clusters.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/base/shape.h"

namespace heterodyne {
namespace {

constexpr int64_t kTries = 10;
constexpr int64_t kMostRounds = 100;

torch::Tensor squared_distances(const torch::Tensor& row_ND, const torch::Tensor& mean_KD) {
  const auto product_NK = torch::matmul(row_ND, mean_KD.t());
  const auto all_NK = row_ND.square().sum(1, true) - 2 * product_NK + mean_KD.square().sum(1).unsqueeze(0);
  return all_NK.clamp_min(0);
}

// Rows to begin with: each is drawn with a probability proportional to its squared distance to those before it.
torch::Tensor first_means(const torch::Tensor& row_ND, const torch::Tensor& draw_K) {
  const int64_t N = row_ND.size(0), K = draw_K.size(0);
  auto chance_N = torch::ones({N}, torch::kFloat64);
  std::vector<torch::Tensor> means;
  for (int64_t k = 0; k < K; ++k) {
    const auto sum_N = chance_N.cumsum(0);
    const int64_t place = (sum_N <= draw_K[k] * sum_N[N - 1]).sum().item<int64_t>();
    means.push_back(row_ND.narrow(0, std::min(place, N - 1), 1));
    const auto distance_N = squared_distances(row_ND, means.back()).squeeze(1);
    chance_N = k == 0 ? distance_N : torch::minimum(chance_N, distance_N);
  }
  return torch::cat(means);
}

// Gives each empty cluster the row that is farthest from its mean, of those whose cluster keeps another.
void fill_empty(torch::Tensor& cluster_N, const torch::Tensor& distance_NK) {
  const int64_t K = distance_NK.size(1);
  auto far_N = distance_NK.gather(1, cluster_N.unsqueeze(1)).squeeze(1);
  for (int64_t k = 0; k < K; ++k) {
    const auto count_K = torch::bincount(cluster_N, {}, K);
    if (count_K[k].item<int64_t>() > 0) continue;
    const auto is_last_N = count_K.index_select(0, cluster_N) <= 1;
    const int64_t row = far_N.masked_fill(is_last_N, -1).argmax().item<int64_t>();
    cluster_N[row] = k;
    far_N[row] = 0;
  }
}

Clusters one_try(const torch::Tensor& row_ND, const torch::Tensor& draw_K) {
  const int64_t K = draw_K.size(0);
  auto mean_KD = first_means(row_ND, draw_K);
  Clusters found;
  for (int64_t round = 0; round < kMostRounds; ++round) {
    const auto distance_NK = squared_distances(row_ND, mean_KD);
    auto cluster_N = distance_NK.argmin(1);
    fill_empty(cluster_N, distance_NK);
    if (found.cluster_N.defined() && torch::equal(cluster_N, found.cluster_N)) break;
    found.cluster_N = cluster_N;
    const auto count_K = torch::bincount(cluster_N, {}, K).to(torch::kFloat64);
    mean_KD = torch::zeros_like(mean_KD).index_add(0, cluster_N, row_ND) / count_K.unsqueeze(1);
  }
  const auto off_ND = row_ND - mean_KD.index_select(0, found.cluster_N);
  found.mean_distance = off_ND.square().sum(1).mean().item<double>();
  return found;
}

// Clusters in the order of their first rows.
torch::Tensor renumbered(const torch::Tensor& cluster_N, int64_t K) {
  std::vector<int64_t> number_K(static_cast<size_t>(K), -1);
  auto new_N = torch::empty_like(cluster_N);
  int64_t next = 0;
  for (int64_t n = 0; n < cluster_N.size(0); ++n) {
    auto& number = number_K[static_cast<size_t>(cluster_N[n].item<int64_t>())];
    if (number < 0) number = next++;
    new_N[n] = number;
  }
  return new_N;
}

}  // namespace

Clusters k_means(const torch::Tensor& row_ND, int64_t K, uint64_t seed) {
  check_shape("clusters", "row_ND", row_ND, {"N", "D"});
  if (K < 1 || K > row_ND.size(0))
    throw Error("clusters", fmt::format("K: expected 1 .. N = {}, got {}", row_ND.size(0), K));
  const torch::NoGradGuard no_grad;
  const auto wide_ND = row_ND.to(torch::kFloat64);
  const RandomStream stream("clusters");
  Clusters best{{}, std::numeric_limits<double>::infinity()};
  for (int64_t i = 0; i < kTries; ++i) {
    auto found = one_try(wide_ND, stream.uniform({seed, static_cast<uint64_t>(i)}, {K}).to(torch::kFloat64));
    if (found.mean_distance < best.mean_distance) best = std::move(found);
  }
  best.cluster_N = renumbered(best.cluster_N, K);
  return best;
}

}  // namespace heterodyne
