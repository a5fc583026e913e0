#include "heterodyne/nn/lstm.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::nn {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(LstmCell, AHandWorkedStep) {
  LstmCell cell(1, 1, {1, "test"});
  const torch::NoGradGuard no_grad;
  auto parameters = cell.named_parameters();
  parameters["input_weight"].copy_(torch::tensor({1.0, 2.0, 3.0, 4.0}).view({4, 1}));
  parameters["hidden_weight"].copy_(torch::tensor({0.5, -0.5, 0.25, -0.25}).view({4, 1}));
  parameters["input_bias"].copy_(torch::tensor({0.1, 0.2, 0.3, 0.4}));
  parameters["hidden_bias"].zero_();
  const auto state = cell.forward(torch::full({1, 1}, 0.5), {torch::full({1, 1}, 2.0), torch::full({1, 1}, -1.0)});
  const double i = sigmoid(0.5 + 1.0 + 0.1), f = sigmoid(1.0 - 1.0 + 0.2);
  const double g = std::tanh(1.5 + 0.5 + 0.3), o = sigmoid(2.0 - 0.5 + 0.4);
  const double c = -f + i * g;
  EXPECT_NEAR(state.cell_NH.item<double>(), c, 1e-6);
  EXPECT_NEAR(state.hidden_NH.item<double>(), o * std::tanh(c), 1e-6);
}

TEST(LstmCell, ParametersAndCost) {
  const LstmCell cell(128, 128, {1, "test"});
  int64_t count = 0;
  for (const auto& parameter : cell.parameters()) count += parameter.numel();
  EXPECT_EQ(count, 132096);
  EXPECT_EQ(cell.macs(), 131072);
  EXPECT_LE(cell.parameters()[0].abs().max().item<double>(), 1 / std::sqrt(128.0));
}

TEST(LstmCell, RefusesAnotherWidth) {
  const LstmCell cell(3, 2, {1, "test"});
  const auto x = torch::zeros({4, 5});
  EXPECT_THROW(cell.forward(x, cell.zero_state(4, x)), ShapeError);
}

}  // namespace
}  // namespace heterodyne::nn
