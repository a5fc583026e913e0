#include "heterodyne/model/blocks/positions.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::positions_test {
namespace {

TEST(Positions, AreSinusoids) {
  const auto position_SD = sinusoid_positions(10, 6);
  EXPECT_TRUE(torch::equal(position_SD[0], torch::tensor({0.0F, 1.0F, 0.0F, 1.0F, 0.0F, 1.0F})));
  const double w1 = std::pow(10000.0, -2.0 / 6);
  EXPECT_NEAR(position_SD[7][2].item<double>(), std::sin(7 * w1), 1e-6);
  EXPECT_NEAR(position_SD[7][3].item<double>(), std::cos(7 * w1), 1e-6);
}

TEST(Positions, AcceptAnOddWidth) { EXPECT_EQ(sinusoid_positions(3, 5).size(1), 5); }

}  // namespace
}  // namespace heterodyne::positions_test
