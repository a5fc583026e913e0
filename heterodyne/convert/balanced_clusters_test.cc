#include "heterodyne/convert/balanced_clusters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::balanced_clusters_test {
namespace {

// 6 directions, 20 rows around each, of all lengths.
TEST(BalancedClusters, FindsDirections) {
  const auto center_MH = RandomStream("centers").normal({1, 0}, {6, 12});
  const auto noise_FH = RandomStream("noise").normal({1, 0}, {120, 12}) * 0.2;
  const auto length_F1 = RandomStream("lengths").uniform({1, 0}, {120, 1}) * 5 + 0.1;
  const auto row_FH = (center_MH.repeat({20, 1}) + noise_FH) * length_F1;
  const auto cluster_F = balanced_clusters(row_FH, 6, {20, 3, "test"});
  std::set<int64_t> seen;
  for (size_t m = 0; m < 6; ++m) {
    for (size_t i = m; i < 120; i += 6) EXPECT_EQ(cluster_F[i], cluster_F[m]);
    seen.insert(cluster_F[m]);
  }
  EXPECT_EQ(seen.size(), 6U);
}

TEST(BalancedClusters, SizesDifferByOneAtMost) {
  const auto row_FH = RandomStream("rows").normal({1, 0}, {50, 8});
  for (const int64_t M : {1, 7, 25, 50}) {
    const auto cluster_F = balanced_clusters(row_FH, M, {20, 1, "test"});
    for (int64_t m = 0; m < M; ++m) {
      const auto size = std::count(cluster_F.begin(), cluster_F.end(), m);
      EXPECT_GE(size, 50 / M);
      EXPECT_LE(size, (50 + M - 1) / M);
    }
    EXPECT_EQ(cluster_F, balanced_clusters(row_FH, M, {20, 1, "test"}));
  }
}

TEST(BalancedClusters, EqualRowsAndZerosAreClusteredToo) {
  EXPECT_EQ(balanced_clusters(torch::zeros({8, 3}), 4, {}).size(), 8U);
  EXPECT_EQ(balanced_clusters(torch::ones({8, 3}), 3, {}).size(), 8U);
  EXPECT_THROW(balanced_clusters(torch::ones({3, 3}), 4, {}), Error);
  EXPECT_THROW(balanced_clusters(torch::ones({3, 3}), 0, {}), Error);
}

}  // namespace
}  // namespace heterodyne::balanced_clusters_test
