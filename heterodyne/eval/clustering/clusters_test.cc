#include "heterodyne/eval/clustering/clusters.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::clusters_test {
namespace {

torch::Tensor numbers(std::vector<int64_t> all) { return torch::tensor(all, torch::kInt64); }

// Means 10.5, .5 and 20; distances four times a quarter and none. A try that begins at 0, 1 and 10 would end at
// (0), (1), (10, 11, 20) with 12.1 on average.
TEST(KMeans, FindsWhatLiesTogether) {
  const auto row_ND = torch::tensor({{10.0F}, {0.0F}, {11.0F}, {1.0F}, {20.0F}});
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const auto found = k_means(row_ND, 3, seed);
    EXPECT_TRUE(torch::equal(found.cluster_N, numbers({0, 1, 0, 1, 2}))) << found.cluster_N;
    EXPECT_NEAR(found.mean_distance, 1.0 / 5, 1e-12);
  }
}

TEST(KMeans, OneClusterHoldsAllAndAsManyAsRowsHoldOneEach) {
  const auto row_ND = torch::tensor({{0.0F, 1.0F}, {2.0F, 3.0F}, {4.0F, 5.0F}});
  EXPECT_TRUE(torch::equal(k_means(row_ND, 1, 1).cluster_N, numbers({0, 0, 0})));
  EXPECT_NEAR(k_means(row_ND, 1, 1).mean_distance, 16.0 / 3, 1e-12);
  EXPECT_TRUE(torch::equal(k_means(row_ND, 3, 1).cluster_N, numbers({0, 1, 2})));
  EXPECT_NEAR(k_means(row_ND, 3, 1).mean_distance, 0, 1e-12);
}

TEST(KMeans, EqualRowsLeaveNoClusterEmpty) {
  const auto found = k_means(torch::ones({6, 2}), 3, 1);
  EXPECT_GT(torch::bincount(found.cluster_N, {}, 3).min().item<int64_t>(), 0);
}

TEST(KMeans, RefusesWhatItCannotDivide) {
  const auto message = [](int64_t K) {
    return fixtures::message_of<Error>([&] { k_means(torch::ones({4, 2}), K, 1); });
  };
  EXPECT_EQ(message(5), "[clusters] K: expected 1 .. N = 4, got 5");
  EXPECT_EQ(message(0), "[clusters] K: expected 1 .. N = 4, got 0");
  EXPECT_THROW(k_means(torch::ones({4}), 1, 1), ShapeError);
}

}  // namespace
}  // namespace heterodyne::clusters_test
