#include "heterodyne/convert/balanced_clusters.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/convert/bounded_assignment.h"

namespace heterodyne {
namespace {

torch::Tensor directions_of(const torch::Tensor& row_FH) {
  constexpr double kTiny = 1e-12;
  const auto wide_FH = row_FH.detach().to(torch::kFloat32);
  return wide_FH / wide_FH.norm(2, 1, true).clamp_min(kTiny);
}

// The row at which the running sum of weights passes `share` of the whole.
int64_t drawn_row(const torch::Tensor& weight_F, double share) {
  const auto sum_F = weight_F.to(torch::kFloat64).cumsum(0);
  const double total = sum_F[-1].item<double>();
  if (!(total > 0)) return static_cast<int64_t>(share * static_cast<double>(weight_F.numel()));
  const int64_t row =
      torch::searchsorted(sum_F, torch::tensor(share * total, torch::kFloat64), false, true).item<int64_t>();
  return std::min(row, weight_F.numel() - 1);
}

torch::Tensor first_centers(const torch::Tensor& row_FH, int64_t num_clusters, const ClusterOptions& options) {
  const auto share_M = RandomStream(options.name).uniform({options.seed, 0}, {num_clusters});
  torch::Tensor distance_F = torch::ones({row_FH.size(0)});
  std::vector<torch::Tensor> centers;
  for (int64_t m = 0; m < num_clusters; ++m) {
    centers.push_back(row_FH[drawn_row(distance_F, share_M[m].item<double>())]);
    const auto from_new_F = (2 - 2 * torch::matmul(row_FH, centers.back())).clamp_min(0);
    distance_F = m == 0 ? from_new_F : torch::minimum(distance_F, from_new_F);
  }
  return torch::stack(centers);
}

// 2 x.c - |c|^2: what the squared distance falls short of the row's own square.
std::vector<double> gains_of(const torch::Tensor& row_FH, const torch::Tensor& center_MH) {
  const auto gain_FM =
      (2 * torch::matmul(row_FH, center_MH.t()) - center_MH.square().sum(1)).to(torch::kFloat64).contiguous();
  const double* first = gain_FM.const_data_ptr<double>();
  return {first, first + gain_FM.numel()};
}

}  // namespace

std::vector<int64_t> balanced_clusters(const torch::Tensor& row_FH, int64_t num_clusters,
                                       const ClusterOptions& options) {
  const int64_t F = row_FH.size(0), M = num_clusters;
  if (M < 1 || M > F) {
    throw Error("convert.clusters", fmt::format("clusters: expected between 1 and the {} rows, got {}", F, M));
  }
  const auto direction_FH = directions_of(row_FH);
  auto center_MH = first_centers(direction_FH, M, options);
  const std::vector<BinBounds> bounds(static_cast<size_t>(M), {F / M, (F + M - 1) / M});
  std::vector<int64_t> cluster_F;
  for (int64_t round = 0; round < options.most_rounds; ++round) {
    auto next_F = assign_within({gains_of(direction_FH, center_MH), bounds}, cluster_F);
    if (next_F == cluster_F) break;
    cluster_F = std::move(next_F);
    const auto index_F = torch::tensor(cluster_F, torch::kInt64);
    const auto count_M = torch::bincount(index_F, {}, M).unsqueeze(1);
    center_MH = torch::zeros_like(center_MH).index_add(0, index_F, direction_FH) / count_M;
  }
  return cluster_F;
}

}  // namespace heterodyne
