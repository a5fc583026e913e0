#include "heterodyne/eval/latency.h"

#include <gtest/gtest.h>

#include <thread>

namespace heterodyne::latency_test {
namespace {

// A network whose passes take 2 ms at least.
class SlowNetwork : public Network {
 public:
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    sizes.push_back(batch.size());
    was_training = is_training();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return {};
  }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }

  std::vector<int64_t> sizes;
  bool was_training = true;
};

TEST(Latency, PercentilesAreNearestRanks) {
  EXPECT_EQ(percentile({3, 1, 2, 4}, 0.5), 2);
  EXPECT_EQ(percentile({3, 1, 2, 4}, 0.95), 4);
  EXPECT_EQ(percentile({5}, 0.01), 5);
  std::vector<double> hundred;
  for (int i = 100; i >= 1; --i) hundred.push_back(i);
  EXPECT_EQ(percentile(hundred, 0.95), 95);
  EXPECT_EQ(percentile(hundred, 0.5), 50);
}

TEST(Latency, IsMeasuredForOneExampleAndForABatch) {
  const auto dataset =
      datasets().make(Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"size", 4}}), DataContext{{}, 0.1, {}, 5});
  LoaderOptions loading;
  loading.batch = 8;
  SlowNetwork network;
  network.train();
  const auto all = measure_latency(network, *dataset, Split::kTrain, loading, torch::kFloat32);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].batch, 1);
  EXPECT_EQ(all[1].batch, 8);
  for (const auto& latency : all) {
    EXPECT_GE(latency.p50_ms, 2);
    EXPECT_GE(latency.p95_ms, latency.p50_ms);
    EXPECT_GE(latency.threads, 1);
  }
  const auto ones = static_cast<size_t>(all[0].num_passes) + 3, eights = static_cast<size_t>(all[1].num_passes) + 3;
  EXPECT_EQ(network.sizes.size(), ones + eights);
  EXPECT_EQ(network.sizes.front(), 1);
  EXPECT_EQ(network.sizes.back(), 8);
  EXPECT_FALSE(network.was_training);
  EXPECT_TRUE(network.is_training());
}

}  // namespace
}  // namespace heterodyne::latency_test
