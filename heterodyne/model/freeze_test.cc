#include "heterodyne/model/freeze.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::freeze_test {
namespace {

TEST(Patterns, StandForWholeNames) {
  EXPECT_TRUE(fits_pattern("features.conv0.weight", "features.*"));
  EXPECT_TRUE(fits_pattern("features.conv0.weight", "*"));
  EXPECT_TRUE(fits_pattern("features.conv0.weight", "*conv?.w*t"));
  EXPECT_TRUE(fits_pattern("aXbXb", "a*b"));
  EXPECT_TRUE(fits_pattern("head.bias", "head.bias"));
  EXPECT_TRUE(fits_pattern("head", "head*"));
  EXPECT_FALSE(fits_pattern("features.conv0.weight", "features"));
  EXPECT_FALSE(fits_pattern("my.features.x", "features.*"));
  EXPECT_FALSE(fits_pattern("head", "head?"));
  EXPECT_FALSE(fits_pattern("", "?"));
  EXPECT_TRUE(fits_pattern("", "*"));
}

std::shared_ptr<Network> mlp() {
  return networks().make(Member(Table{{"kind", "mlp"}, {"hidden", Array{3}}}), NetworkContext{{1, 2, 2, 2}, 1});
}

TEST(Freeze, KeepsParametersFromLearningUntilItEnds) {
  const auto network = mlp();
  const auto learns = [&](const char* name) { return network->named_parameters()[name].requires_grad(); };
  {
    Freeze freeze;
    freeze.apply(*network, {"hidden0.*"});
    EXPECT_FALSE(learns("hidden0.weight") || learns("hidden0.bias"));
    EXPECT_TRUE(learns("head.weight"));
    freeze.apply(*network, {"*.bias"});
    EXPECT_TRUE(learns("hidden0.weight"));
    EXPECT_FALSE(learns("hidden0.bias") || learns("head.bias"));
  }
  EXPECT_TRUE(learns("hidden0.bias") && learns("head.bias"));
}

TEST(Freeze, APatternThatFitsNothingIsRefused) {
  const auto network = mlp();
  EXPECT_NO_THROW(check_freeze(*network, {"hidden0.*", "head.bias"}, "freeze"));
  EXPECT_NO_THROW(check_freeze(*network, {}, "freeze"));
  EXPECT_EQ(
      fixtures::message_of<ConfigError>([&] { check_freeze(*network, {"hidden0.weights"}, "freeze"); }),
      "[train] freeze: expected names of parameters with '*' for any text, got \"hidden0.weights\", which none of "
      "the 4 fits; there is hidden0.weight");
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { check_freeze(*network, {"h*"}, "head.freeze"); }),
            "[train] head.freeze: expected patterns that leave a parameter to be trained, got all");
}

}  // namespace
}  // namespace heterodyne::freeze_test
