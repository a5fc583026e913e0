#include "heterodyne/nn/recompute.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne::nn::recompute_test {
namespace {

// Two answers of two inputs: a product with dropout, and what the second input adds to it.
struct Sample {
  Sample() {
    torch::nn::Module owner;
    weight = Weight(owner, "weight", RandomStream("weight").normal({1, 0}, {6, 4}).requires_grad_());
    x = RandomStream("x").normal({1, 0}, {5, 4}).requires_grad_();
    z = RandomStream("z").normal({1, 0}, {5, 6}).requires_grad_();
  }
  std::vector<torch::Tensor> work(const std::vector<torch::Tensor>& inputs) const {
    ++calls;
    const auto y = dropout.forward(weight.apply(inputs[0]), {3, 7}, torch::arange(5)).relu();
    return {y, y * y + inputs[1]};
  }
  std::vector<torch::Tensor> again() const {
    return recomputed([this](const auto& inputs) { return work(inputs); }, {x, z}, {weight.matrix()});
  }
  std::vector<torch::Tensor> gradients(const std::vector<torch::Tensor>& answers) const {
    return torch::autograd::grad({answers[0].sum() + (answers[1] * answers[1]).sum()}, {x, z, weight.matrix()});
  }

  Weight weight;
  Dropout dropout{0.5, {1, "dropout"}};
  torch::Tensor x, z;
  mutable int calls = 0;
};

TEST(Recompute, GivesTheSameBits) {
  const Sample sample;
  const auto plain = sample.work({sample.x, sample.z}), again = sample.again();
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(torch::equal(plain[i], again[i])) << i;
  const auto expected = sample.gradients(plain), got = sample.gradients(again);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(expected[i], got[i])) << i;
  EXPECT_EQ(sample.calls, 3);  // the plain one, and both passes of the other
}

// y = 3 x^2 at x = 2: the answer 12, gradients 12 of x and 4 of the factor.
TEST(Recompute, GradientsWorkedByHand) {
  const auto x = torch::tensor({2.0}).requires_grad_(), factor = torch::tensor({3.0}).requires_grad_();
  const auto y =
      recomputed([&](const auto& in) -> std::vector<torch::Tensor> { return {factor * in[0] * in[0]}; }, {x}, {factor});
  EXPECT_EQ(y[0].item<double>(), 12);
  y[0].backward();
  EXPECT_EQ(x.grad().item<double>(), 12);
  EXPECT_EQ(factor.grad().item<double>(), 4);
}

TEST(Recompute, WhatNeedsNoGradientGetsNone) {
  const auto x = torch::tensor({2.0}), factor = torch::tensor({3.0}).requires_grad_();
  const auto work = [&](const auto& in) -> std::vector<torch::Tensor> { return {factor * in[0], in[0] + 1}; };
  const auto y = recomputed(work, {x}, {factor});
  y[0].backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_EQ(factor.grad().item<double>(), 2);
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(recomputed(work, {x}, {factor})[0].requires_grad());
}

TEST(Recompute, ThereAreNoSecondDerivatives) {
  const Sample sample;
  const auto sum = sample.again()[1].sum();
  EXPECT_EQ(fixtures::message_of<Error>([&] { torch::autograd::grad({sum}, {sample.x}, {}, true, true); }),
            "[nn.recompute] there are no second derivatives");
}

}  // namespace
}  // namespace heterodyne::nn::recompute_test
