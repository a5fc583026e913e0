#include "heterodyne/nn/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne::nn::rotary_test {
namespace {

// Pair 0 turns by 1, pair 1 by 100^(-2/4) = 0.1 with each position. At position 3 the row (1, 2, 3, 4) has the pairs
// (1, 3) and (2, 4): (cos 3 - 3 sin 3, 3 cos 3 + sin 3) and (2 cos 0.3 - 4 sin 0.3, 4 cos 0.3 + 2 sin 0.3).
TEST(Rotary, AHandWorkedRow) {
  const auto angle_C = rotary_angles({4, 100});
  EXPECT_NEAR(angle_C[0].item<double>(), 1, 1e-15);
  EXPECT_NEAR(angle_C[1].item<double>(), 0.1, 1e-15);
  const auto x = torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kFloat64).view({1, 1, 1, 4});
  const auto y = rotated(x, rotation_of(angle_C, 3, 1, torch::kFloat64)).view(-1);
  EXPECT_NEAR(y[0].item<double>(), -1.413352520780047, 1e-12);  // -0.9899924966 - 0.4233600242
  EXPECT_NEAR(y[1].item<double>(), 0.7285921516058538, 1e-12);  // 1.9106729783 - 1.1820808266
  EXPECT_NEAR(y[2].item<double>(), -2.828857481741469, 1e-12);  // -2.9699774898 + 0.1411200081
  EXPECT_NEAR(y[3].item<double>(), 4.412386369825103, 1e-12);   // 3.8213459565 + 0.5910404133
}

// Pair 0 turns by 1, pair 1 by 0.1. In 628 = 99.95 x 2 pi positions those that turn 10 times and once have the numbers
// 4 ln(9.995) / (2 ln 100) = 0.9998 and 1.9998, rounded 0 and 2: pair 1 lies half way, (0.1 / 4 + 0.1) / 2.
TEST(Rotary, YarnGoesOverByThePairsNumber) {
  RotaryOptions options{4, 100, 4, 1, 10, 628, true};
  EXPECT_NEAR(rotary_angles(options)[0].item<double>(), 1, 1e-15);
  EXPECT_NEAR(rotary_angles(options)[1].item<double>(), 0.0625, 1e-12);
  options.is_rounded = false;
  EXPECT_NEAR(rotary_angles(options)[1].item<double>(), 0.1, 3e-5);
  EXPECT_NEAR(rotation_scale(options), 1.1386294361, 1e-9);  // 0.1 ln 4 + 1
  options.is_yarn = false;
  EXPECT_EQ(rotation_scale(options), 1);
}

TEST(Rotary, ProductsDependOnTheDistanceAlone) {
  const auto angle_C = rotary_angles({8, 10000});
  const auto row = RandomStream("rows").normal({1, 0}, {2, 8}).to(torch::kFloat64);
  const auto product = [&](int64_t query, int64_t key) {
    const auto turned = [&](int64_t i, int64_t position) {
      return rotated(row[i].view({1, 1, 1, 8}), rotation_of(angle_C, position, 1, torch::kFloat64)).view(-1);
    };
    return turned(0, query).dot(turned(1, key)).item<double>();
  };
  EXPECT_NEAR(product(5, 2), product(105, 102), 1e-10);
  EXPECT_NEAR(product(7, 7), row[0].dot(row[1]).item<double>(), 1e-10);
  EXPECT_GT(std::abs(product(5, 2) - product(5, 3)), 1e-3);
}

// With 64 positions: pair 0 turns 64 / 2 pi = 10.2 times and is left alone; a pair whose angle is 2 pi / 100 turns 0.64
// times and is slowed by the factor; one of 2.5 turns lies in the middle of 1 .. 4.
TEST(Rotary, StretchesSlowPairs) {
  const auto stretch = [](double angle) {
    // The angle of pair 1 of 2 is theta^(-1/2).
    return rotary_angles({4, 1 / (angle * angle), 8, 1, 4, 64})[1].item<double>();
  };
  const double turn = 2 * std::numbers::pi;
  EXPECT_NEAR(stretch(1), 1, 1e-12);
  EXPECT_NEAR(stretch(turn / 100), turn / 800, 1e-12);
  EXPECT_NEAR(stretch(2.5 * turn / 64), (0.5 / 8 + 0.5) * 2.5 * turn / 64, 1e-12);
}

TEST(Rotary, RefusesWhatDoesNotFit) {
  EXPECT_THROW(rotary_angles({5}), ShapeError);
  const auto rotation = rotation_of(rotary_angles({4}), 0, 3, torch::kFloat32);
  EXPECT_THROW(rotated(torch::zeros({1, 2, 1, 4}), rotation), ShapeError);
  EXPECT_THROW(rotated(torch::zeros({1, 3, 1, 6}), rotation), ShapeError);
  EXPECT_EQ(rotated(torch::zeros({0, 3, 2, 4}), rotation).size(0), 0);
}

}  // namespace
}  // namespace heterodyne::nn::rotary_test
