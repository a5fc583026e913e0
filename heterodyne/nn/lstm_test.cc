#include "heterodyne/nn/lstm.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/lstm.h"

namespace heterodyne::nn::lstm_test {
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

// Both run the same cell: the layer over a sequence is the cell step by step.
TEST(Lstm, IsTheCellStepByStep) {
  const LstmCell cell(3, 4, {1, "test"});
  const Lstm layer(3, 4, false, {1, "test"});
  const auto x_BSI = RandomStream("x").normal({1, 0}, {2, 5, 3});
  const auto output = layer.forward(x_BSI);
  auto state = cell.zero_state(2, x_BSI);
  for (int64_t s = 0; s < 5; ++s) {
    state = cell.forward(x_BSI.select(1, s), state);
    EXPECT_TRUE(torch::allclose(output.y_BSH.select(1, s), state.hidden_NH, 1e-5, 1e-6)) << s;
  }
  EXPECT_TRUE(torch::allclose(output.cell_LBH[0], state.cell_NH, 1e-5, 1e-6));
}

TEST(Lstm, GoesOnFromAState) {
  const Lstm layer(3, 4, false, {1, "test"});
  const auto x_BSI = RandomStream("x").normal({1, 0}, {2, 5, 3});
  const auto first = layer.forward(x_BSI.narrow(1, 0, 2));
  const auto second = layer.forward(x_BSI.narrow(1, 2, 3), first.hidden_LBH, first.cell_LBH);
  const auto whole = layer.forward(x_BSI);
  EXPECT_TRUE(torch::allclose(torch::cat({first.y_BSH, second.y_BSH}, 1), whole.y_BSH, 1e-5, 1e-6));
}

// The reverse direction over a sequence is the forward direction over the sequence turned round.
TEST(Lstm, ReadsBackwardsToo) {
  const Lstm both(3, 4, true, {1, "test"});
  EXPECT_EQ(both.num_outputs(), 8);
  Lstm back(3, 4, false, {1, "test"});
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : back.named_parameters())
    parameter.value().copy_(both.named_parameters()["reverse." + parameter.key()]);
  const auto x_BSI = RandomStream("x").normal({1, 0}, {2, 5, 3});
  const auto expected = back.forward(x_BSI.flip({1})).y_BSH.flip({1});
  EXPECT_TRUE(torch::allclose(both.forward(x_BSI).y_BSH.narrow(2, 4, 4), expected, 1e-5, 1e-6));
}

TEST(Lstm, ParametersCostAndShapes) {
  const Lstm layer(512, 512, false, {1, "test"});
  EXPECT_EQ(layer.macs(), 2 * 4 * 512 * 512);
  EXPECT_THROW(layer.forward(torch::zeros({2, 3, 5})), ShapeError);
  EXPECT_EQ(layer.forward(torch::zeros({2, 0, 512})).y_BSH.size(1), 0);
}

// Long enough for the kernel: it and LibTorch's LSTM are told apart by the way in use.
TEST(Lstm, TheKernelEqualsTheLibrary) {
  for (const bool is_bidirectional : {false, true}) {
    const Lstm layer(12, 16, is_bidirectional, {1, "test"});
    const int64_t L = is_bidirectional ? 2 : 1;
    const auto x = RandomStream("x").normal({1, 0}, {4, 9, 12}).requires_grad_();
    const auto h = RandomStream("h").normal({1, 0}, {L, 4, 16}), c = RandomStream("c").normal({1, 0}, {L, 4, 16});
    const auto gradients_of = [&](const Lstm::Output& output) {
      auto leaves = layer.parameters();
      leaves.push_back(x);
      return torch::autograd::grad({output.y_BSH.pow(2).sum() + output.cell_LBH.sum() + output.hidden_LBH.sum()},
                                   leaves);
    };
    const ops::Isa before = ops::isa();
    ASSERT_TRUE(ops::can_run_lstm(x, 16) || before == ops::Isa::kPlain);
    const auto output = layer.forward(x, h, c);
    const auto gradients = gradients_of(output);
    ops::set_isa(ops::Isa::kPlain);
    const auto expected = layer.forward(x, h, c);
    const auto wanted = gradients_of(expected);
    ops::set_isa(before);
    EXPECT_TRUE(torch::allclose(output.y_BSH, expected.y_BSH, 1e-5, 1e-6));
    EXPECT_TRUE(torch::allclose(output.cell_LBH, expected.cell_LBH, 1e-5, 1e-6));
    EXPECT_TRUE(torch::allclose(output.hidden_LBH, expected.hidden_LBH, 1e-5, 1e-6));
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(torch::allclose(gradients[i], wanted[i], 1e-4, 1e-5)) << i;
  }
}

}  // namespace
}  // namespace heterodyne::nn::lstm_test
