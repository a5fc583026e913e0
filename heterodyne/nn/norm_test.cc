#include "heterodyne/nn/norm.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::nn::norm_test {
namespace {

TEST(LayerNorm, AHandWorkedRow) {
  // mean 2, variance 2/3; eps moves the fifth digit.
  const auto y = LayerNorm(3).forward(torch::tensor({{1.0, 2.0, 3.0}}, torch::kFloat32));
  EXPECT_TRUE(torch::allclose(y, torch::tensor({{-1.2247356, 0.0, 1.2247356}}), 1e-6, 1e-6));
}

// The mean of 1, 4 and 16 is 7, and 2 more for eps make 9: divided by 3, then times the weight.
TEST(RmsNorm, AHandWorkedRow) {
  RmsNorm norm(3, 2.0);
  const torch::NoGradGuard no_grad;
  norm.named_parameters()["weight"].copy_(torch::tensor({3.0F, 1.5F, -6.0F}));
  const auto y = norm.forward(torch::tensor({{{1.0F, -2.0F, 4.0F}}}));
  EXPECT_TRUE(torch::allclose(y, torch::tensor({{{1.0F, -1.0F, -8.0F}}}), 1e-6, 1e-6)) << y;
  EXPECT_EQ(norm.forward(torch::zeros({0, 2, 3})).size(0), 0);
}

TEST(RmsNorm, RefusesAnotherWidth) { EXPECT_THROW(RmsNorm(4).forward(torch::zeros({2, 3})), ShapeError); }

TEST(BatchNorm2d, NormalisesByTheBatchThenByItsAverages) {
  BatchNorm2d norm(1);
  const auto x = torch::tensor({1.0F, 3.0F}).view({2, 1, 1, 1});
  norm.train();
  // Batch mean 2, biased variance 1; running mean 0.1 x 2, running variance 0.9 + 0.1 x unbiased 2.
  EXPECT_NEAR(norm.forward(x)[0].item<float>(), -1.0, 1e-5);
  EXPECT_NEAR(norm.named_buffers()["running_mean"].item<float>(), 0.2, 1e-6);
  EXPECT_NEAR(norm.named_buffers()["running_var"].item<float>(), 1.1, 1e-6);
  norm.eval();
  EXPECT_NEAR(norm.forward(x)[0].item<float>(), (1 - 0.2) / std::sqrt(1.1 + 1e-5), 1e-6);
  EXPECT_NEAR(norm.named_buffers()["running_mean"].item<float>(), 0.2, 1e-6);
}

TEST(BatchNorm2d, AFrozenOneStaysInEvaluationMode) {
  BatchNorm2d norm(1);
  norm.train();
  norm.named_parameters()["weight"].set_requires_grad(false);
  const auto x = torch::tensor({1.0F, 3.0F}).view({2, 1, 1, 1});
  EXPECT_NEAR(norm.forward(x)[0].item<float>(), 1 / std::sqrt(1 + 1e-5), 1e-6);
  EXPECT_EQ(norm.named_buffers()["running_mean"].item<float>(), 0);
}

TEST(BatchNorm2d, OneValueHasNoVariance) {
  BatchNorm2d norm(2);
  norm.train();
  for (const int64_t B : {0, 1}) {
    const auto y = norm.forward(torch::ones({B, 2, 1, 1}));
    EXPECT_TRUE(torch::isfinite(y).all().item<bool>());
    EXPECT_TRUE(torch::equal(norm.named_buffers()["running_var"], torch::ones({2})));
  }
}

TEST(BatchNorm2d, RefusesAnotherNumberOfChannels) {
  EXPECT_THROW(BatchNorm2d(3).forward(torch::zeros({1, 2, 4, 4})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::nn::norm_test
