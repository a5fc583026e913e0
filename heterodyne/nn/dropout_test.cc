#include "heterodyne/nn/dropout.h"

#include <gtest/gtest.h>

namespace heterodyne::nn::dropout_test {
namespace {

TEST(Dropout, DropsItsShareAndKeepsTheMean) {
  Dropout dropout(0.25, {1, "test"});
  dropout.train();
  const auto y = dropout.forward(torch::ones({1000, 100}), {3, 5}, torch::arange(1000));
  // 1e5 draws: standard error of the share 1.4e-3.
  EXPECT_NEAR((y == 0).to(torch::kFloat64).mean().item<double>(), 0.25, 6e-3);
  EXPECT_NEAR(y.max().item<double>(), 1 / 0.75, 1e-6);
}

TEST(Dropout, ARowIsDroppedAlikeWhereverItStands) {
  Dropout dropout(0.5, {1, "test"});
  const auto all = dropout.forward(torch::ones({10, 33}), {3, 5}, torch::arange(10));
  const auto some = dropout.forward(torch::ones({2, 33}), {3, 5}, torch::tensor({7, 2}));
  EXPECT_TRUE(torch::equal(some[0], all[7]));
  EXPECT_TRUE(torch::equal(some[1], all[2]));
  EXPECT_FALSE(torch::equal(dropout.forward(torch::ones({10, 33}), {3, 6}, torch::arange(10)), all));
}

TEST(Dropout, DoesNothingInEvalModeOrWithShareZero) {
  Dropout dropout(0.5, {1, "test"});
  dropout.eval();
  EXPECT_FALSE(dropout.factors({1, 1}, torch::arange(2), 3).defined());
  EXPECT_FALSE(Dropout(0, {1, "test"}).factors({1, 1}, torch::arange(2), 3).defined());
}

}  // namespace
}  // namespace heterodyne::nn::dropout_test
