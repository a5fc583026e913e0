#include "heterodyne/train/adam.h"

#include <gtest/gtest.h>

namespace heterodyne::adam_test {
namespace {

// One step from 1 with a gradient of 0.5 and a learning rate of 0.1.
double after_one_step(const Table& settings) {
  const auto value = torch::ones({1}, torch::kFloat64).requires_grad_();
  value.mutable_grad() = torch::full({1}, 0.5, torch::kFloat64);
  optimizers().make(Member(settings))->step({{"w", value}}, 0.1);
  return value.item<double>();
}

// Corrected for their bias, the mean gradient is the gradient and the mean square its square: the step is lr x 1.
TEST(Adam, TheFirstStepIsTheLearningRate) {
  EXPECT_NEAR(after_one_step({{"kind", "adam"}}), 0.9, 1e-8);
  EXPECT_NEAR(after_one_step({{"kind", "adamw"}, {"weight_decay", 0.0}}), 0.9, 1e-8);
}

// In the gradient, 0.5 + 0.1 x 1 changes the first step in nothing. Apart from it, 1 shrinks by 0.1 x 0.1 as well.
TEST(Adam, WeightDecayIsInTheGradientOrApart) {
  EXPECT_NEAR(after_one_step({{"kind", "adam"}, {"weight_decay", 0.1}}), 0.9, 1e-8);
  EXPECT_NEAR(after_one_step({{"kind", "adamw"}, {"weight_decay", 0.1}}), 0.89, 1e-8);
}

}  // namespace
}  // namespace heterodyne::adam_test
