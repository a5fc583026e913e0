#include "heterodyne/nn/init.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::init_test {
namespace {

// 64 x 1024 draws: the standard error of a variance estimate is about 0.6 % of it.
TEST(Init, EachSchemeHasItsSpread) {
  const Init init{1, "w"};
  const auto uniform = initial_weight(Scheme::kUniform, init, {64, 1024});
  EXPECT_LE(uniform.abs().max().item<double>(), 1.0 / 32);
  EXPECT_NEAR(uniform.var().item<double>(), 1.0 / (3 * 1024), 0.03 / (3 * 1024));
  const auto he = initial_weight(Scheme::kHeNormal, init, {64, 1024});
  EXPECT_NEAR(he.var().item<double>(), 2.0 / 1024, 0.04 / 1024);
  const auto xavier = initial_weight(Scheme::kXavierUniform, init, {64, 1024});
  EXPECT_NEAR(xavier.var().item<double>(), 2.0 / (64 + 1024), 0.06 / (64 + 1024));
}

TEST(Init, FanInOfAConvolutionCountsItsKernel) {
  const auto weight = initial_weight(Scheme::kUniform, {1, "w"}, {8, 3, 4, 4});
  EXPECT_LE(weight.abs().max().item<double>(), 1 / std::sqrt(48.0));
  EXPECT_GT(weight.abs().max().item<double>(), 0.9 / std::sqrt(48.0));
}

TEST(Init, BiasesAreZeroButInTheUniformScheme) {
  EXPECT_EQ(initial_bias(Scheme::kHeNormal, {1, "b"}, 5, 16).abs().sum().item<double>(), 0);
  const auto bias = initial_bias(Scheme::kUniform, {1, "b"}, 500, 16);
  EXPECT_LE(bias.abs().max().item<double>(), 0.25);
  EXPECT_GT(bias.abs().max().item<double>(), 0.2);
}

TEST(Init, ValuesDependOnSeedAndNameAlone) {
  const auto a = initial_weight(Scheme::kUniform, {1, "a"}, {3, 4});
  EXPECT_TRUE(torch::equal(a, initial_weight(Scheme::kUniform, {1, "a"}, {3, 4})));
  EXPECT_FALSE(torch::equal(a, initial_weight(Scheme::kUniform, {1, "b"}, {3, 4})));
  EXPECT_FALSE(torch::equal(a, initial_weight(Scheme::kUniform, {2, "a"}, {3, 4})));
  EXPECT_EQ((Init{1, ""}.at("x").at("y").name), "x.y");
}

}  // namespace
}  // namespace heterodyne::nn::init_test
