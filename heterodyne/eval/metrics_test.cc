#include "heterodyne/eval/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::metrics_test {
namespace {

const auto kLogits = torch::tensor({{2.0, 0.0}, {0.0, 1.0}, {3.0, 1.0}});
const auto kLabels = torch::tensor({0, 1, 1}, torch::kInt64);

TEST(Metrics, CrossEntropyWorkedByHand) {
  const double expected = (std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-1.0)) + std::log1p(std::exp(2.0))) / 3;
  EXPECT_NEAR(cross_entropy(kLogits, kLabels).item<double>(), expected, 1e-6);
  EXPECT_EQ(num_correct(kLogits, kLabels), 2);
}

TEST(Metrics, TheFirstOfEqualLogitsIsTheAnswer) {
  EXPECT_EQ(num_correct(torch::zeros({2, 3}), torch::tensor({0, 1}, torch::kInt64)), 1);
}

TEST(Metrics, BatchesAddUpToTheWhole) {
  ClassificationMetrics whole, parts;
  whole.add(kLogits, kLabels);
  parts.add(kLogits.narrow(0, 0, 1), kLabels.narrow(0, 0, 1));
  parts.add(kLogits.narrow(0, 1, 2), kLabels.narrow(0, 1, 2));
  EXPECT_EQ(parts.num_examples(), 3);
  EXPECT_NEAR(parts.accuracy(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(parts.loss(), whole.loss(), 1e-6);
  EXPECT_EQ(parts.accuracy_by_class(), (std::vector<double>{1.0, 0.5}));
}

TEST(Metrics, LossesOfTheClassesWorkedByHand) {
  ClassificationMetrics metrics;
  metrics.add(kLogits, kLabels);
  const auto loss_Y = metrics.loss_by_class();
  EXPECT_NEAR(loss_Y[0], std::log1p(std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(loss_Y[1], (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(2.0))) / 2, 1e-6);
  metrics.add(torch::tensor({{2.0, 0.0}}), torch::tensor({1}, torch::kInt64));
  EXPECT_NEAR(metrics.loss_by_class()[1], (std::log1p(std::exp(-1.0)) + 2 * std::log1p(std::exp(2.0))) / 3, 1e-6);
}

TEST(Metrics, NothingIsZeroAndAClassWithoutExamplesIsNoNumber) {
  EXPECT_EQ(ClassificationMetrics().accuracy(), 0);
  EXPECT_EQ(ClassificationMetrics().loss(), 0);
  ClassificationMetrics metrics;
  metrics.add(kLogits.narrow(0, 0, 0), kLabels.narrow(0, 0, 0));
  EXPECT_EQ(metrics.num_examples(), 0);
  metrics.add(kLogits.narrow(0, 0, 1), kLabels.narrow(0, 0, 1));
  EXPECT_TRUE(std::isnan(metrics.accuracy_by_class()[1]));
  EXPECT_TRUE(std::isnan(metrics.loss_by_class()[1]));
}

}  // namespace
}  // namespace heterodyne::metrics_test
