#include "heterodyne/train/growth/averages.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::averages_test {
namespace {

// One parameter of one value.
struct Single : torch::nn::Module {
  Single() { weight = register_parameter("weight", torch::zeros({1}, torch::kFloat64)); }
  void set(double value) {
    const torch::NoGradGuard no_grad;
    weight.fill_(value);
  }
  torch::Tensor weight;
};

// Weights 1, 4, 4; what is kept of the average: all of the first, min(.5, 3/12) at step 2, min(.5, 31/40) at step 30.
TEST(Averages, FollowTheWeights) {
  Single network;
  Sums averages;
  network.set(1);
  update_averages(averages, network, 0.5, 1);
  EXPECT_DOUBLE_EQ(averages["weight"].item<double>(), 1);
  network.set(4);
  update_averages(averages, network, 0.5, 2);
  EXPECT_DOUBLE_EQ(averages["weight"].item<double>(), 0.25 * 1 + 0.75 * 4);
  update_averages(averages, network, 0.5, 30);
  EXPECT_DOUBLE_EQ(averages["weight"].item<double>(), 0.5 * 3.25 + 0.5 * 4);
}

TEST(Averages, StandInForTheWeightsForAWhile) {
  Single network;
  network.set(0.1);
  const Sums averages{{"weight", torch::full({1}, 7.0, torch::kFloat64)}};
  {
    const AveragedWeights averaged(network, averages);
    EXPECT_EQ(network.weight.item<double>(), 7);
  }
  EXPECT_EQ(network.weight.item<double>(), 0.1);
}

TEST(Averages, ThatDoNotFitAreRefused) {
  Single network;
  const auto complaint = [&](const Sums& averages) {
    return fixtures::message_of<FormatError>([&] { set_weights(network, averages, "averages.safetensors"); });
  };
  EXPECT_EQ(complaint({}), "averages.safetensors: weight: expected an average, it is missing");
  EXPECT_EQ(complaint({{"weight", torch::zeros({2})}}), "averages.safetensors: weight: expected [1], got [2]");
  EXPECT_EQ(fixtures::message_of<ShapeError>([&] { AveragedWeights(network, {{"weight", torch::zeros({2})}}); }),
            "[averages] weight: expected [1], got [2]");
}

}  // namespace
}  // namespace heterodyne::averages_test
