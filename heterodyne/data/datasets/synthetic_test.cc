#include <gtest/gtest.h>

#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::synthetic_test {
namespace {

std::unique_ptr<Dataset> make(const Table& settings = {}) {
  Table named{{"kind", "synthetic"}};
  for (const auto& entry : settings.entries()) named.set(entry.key, entry.value);
  return datasets().make(Member(named), DataContext{});
}

// Share of the test images that lie nearest to the mean of their own class's training images: the best that a linear
// classifier can do when classes differ in their means alone.
double accuracy_of_nearest_mean(const Dataset& dataset) {
  const auto train = dataset.get(Split::kTrain, torch::arange(dataset.size(Split::kTrain)));
  const auto test = dataset.get(Split::kTest, torch::arange(dataset.size(Split::kTest)));
  std::vector<torch::Tensor> means;
  for (int64_t label = 0; label < dataset.shape().num_classes; ++label) {
    means.push_back(train.inputs.index({train.label_B == label}).mean(0).flatten());
  }
  const auto nearest = torch::cdist(test.inputs.flatten(1), torch::stack(means)).argmin(1);
  return nearest.eq(test.label_B).to(torch::kFloat64).mean().item<double>();
}

TEST(Synthetic, CanBeLearnedThoughNotPerfectly) {
  const double accuracy = accuracy_of_nearest_mean(*make());
  EXPECT_GT(accuracy, 0.85);
  EXPECT_LT(accuracy, 0.995);
}

TEST(Synthetic, NoiseMakesItHarder) {
  EXPECT_EQ(accuracy_of_nearest_mean(*make({{"noise", 0}})), 1.0);
  EXPECT_LT(accuracy_of_nearest_mean(*make({{"noise", 20}})), 0.6);
}

TEST(Synthetic, ObeysItsSettings) {
  const auto dataset = make({{"examples", 300}, {"test_examples", 50}, {"classes", 7}, {"channels", 3}, {"size", 9}});
  EXPECT_EQ(dataset->size(Split::kTrain) + dataset->size(Split::kValid), 300);
  EXPECT_EQ(dataset->size(Split::kTest), 50);
  EXPECT_EQ(dataset->shape().num_classes, 7);
  EXPECT_EQ(dataset->get(Split::kTest, torch::tensor({0})).inputs.sizes(), (std::vector<int64_t>{1, 3, 9, 9}));
  EXPECT_EQ(dataset->class_names().at(6), "class 6");
}

// 4,000 x 256 pixels; the patterns add at most a few hundredths to the mean.
TEST(Synthetic, IsNormalised) {
  const auto dataset = make();
  const auto inputs = dataset->get(Split::kTrain, torch::arange(dataset->size(Split::kTrain))).inputs;
  EXPECT_NEAR(inputs.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(inputs.std().item<double>(), 1, 0.02);
}

TEST(Synthetic, AnotherSeedIsAnotherSet) {
  const auto index_B = torch::arange(10);
  const auto images = make()->get(Split::kTest, index_B).inputs;
  EXPECT_FALSE(torch::equal(make({{"data_seed", 1}})->get(Split::kTest, index_B).inputs, images));
  EXPECT_FALSE(torch::equal(make()->get(Split::kTrain, index_B).inputs, images)) << "the splits differ";
}

}  // namespace
}  // namespace heterodyne::synthetic_test
