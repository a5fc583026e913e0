#include "heterodyne/model/blocks/mobilenet_layers.h"

#include <gtest/gtest.h>

namespace heterodyne::mobilenet_layers_test {
namespace {

// Five strides of two: 96 becomes 3 and 33 becomes 2; a map of ceil(n / 32).
TEST(MobileNetLayers, HalveASideFiveTimesAndRoundUp) {
  torch::nn::Module parent;
  const MobileNetLayers layers(parent, {0.35, 1e-3, 3}, {1, ""});
  EXPECT_EQ(layers.output_size(96), 3);
  EXPECT_EQ(layers.output_size(33), 2);
  EXPECT_EQ(layers.num_features(), 1280);
  EXPECT_EQ(layers.forward(torch::zeros({2, 3, 33, 96}), nullptr).sizes(), (std::vector<int64_t>{2, 1280, 2, 3}));
}

// A picture of ones, all in one batch: with statistics of the batch every place of a channel is at its mean, but where
// padding shows; with those kept at first, mean 0 and variance 1, it is not.
TEST(MobileNetLayers, StatisticsAreOfTheBatchOrKept) {
  torch::nn::Module parent;
  const MobileNetLayers layers(parent, {0.35, 1e-3, 3}, {1, ""});
  const auto picture = torch::ones({2, 3, 32, 32});
  layers.train(false);
  const auto kept = layers.forward(picture, nullptr);
  EXPECT_TRUE(torch::equal(layers.forward(picture, nullptr), kept));
  layers.train(true);
  EXPECT_FALSE(torch::equal(layers.forward(picture, nullptr), kept));
}

}  // namespace
}  // namespace heterodyne::mobilenet_layers_test
