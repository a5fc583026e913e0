#include "heterodyne/eval/routing_profile.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::routing_profile_test {
namespace {

// Two tokens, (1, 0) and (0, 1): each is certain, H = 0, and the mean (.5, .5) has ln 2.
TEST(Confidence, CertainTokensOnDifferentExpertsSayEverything) {
  const Confidence confidence{2, 0, 2, {1, 1}, {}, {}};
  EXPECT_EQ(confidence.mean_entropy(), 0);
  EXPECT_EQ(confidence.mean_margin(), 1);
  EXPECT_NEAR(confidence.information(), std::log(2.0), 1e-12);
}

TEST(Confidence, UndecidedTokensSayNothing) {
  const Confidence confidence{2, 2 * std::log(4.0), 0, {.5, .5, .5, .5}, {}, {}};
  EXPECT_NEAR(confidence.mean_entropy(), 1, 1e-12);
  EXPECT_NEAR(confidence.information(), 0, 1e-12);
}

TEST(Confidence, OfNothingIsFinite) {
  EXPECT_EQ(Confidence{}.information(), 0);
  EXPECT_EQ((Confidence{0, 0, 0, {0, 0}, {}, {}}.mean_entropy()), 0);
  EXPECT_EQ(Confidence{}.mean_margin(), 0);
}

TEST(LayerProfile, FindsItsGroupsByName) {
  LayerProfile layer;
  layer.groups.push_back({"class", {"cat"}, {1}, {1}});
  ASSERT_NE(layer.group("class"), nullptr);
  EXPECT_EQ(layer.group("class")->labels[0], "cat");
  EXPECT_EQ(layer.group("patch_row"), nullptr);
}

}  // namespace
}  // namespace heterodyne::routing_profile_test
