#include "heterodyne/ops/linear.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/panels.h"

namespace heterodyne::ops::linear_test {
namespace {

constexpr double kTolerance = 2e-5;  // of sums of float32 products, relative to the largest value

struct Sizes {
  int64_t N, I, O;
};
const std::vector<Sizes> kSizes{{0, 8, 8},     {1, 8, 9},     {24, 64, 64},   {37, 100, 37}, {255, 65, 130},
                                {256, 64, 64}, {257, 7, 600}, {700, 1100, 5}, {40, 520, 513}};

struct Problem {
  torch::Tensor x_NI, matrix_OI, bias_O, dy_NO;

  explicit Problem(const Sizes& sizes) {
    const RandomStream stream("linear");
    uint64_t step = static_cast<uint64_t>(sizes.N * 1000 + sizes.O);
    const auto draw = [&](torch::IntArrayRef shape) { return stream.normal({1, step++}, shape); };
    x_NI = draw({sizes.N, sizes.I}).requires_grad_();
    matrix_OI = (draw({sizes.O, sizes.I}) / std::sqrt(static_cast<double>(sizes.I))).detach().requires_grad_();
    bias_O = draw({sizes.O}).requires_grad_();
    dy_NO = draw({sizes.N, sizes.O});
  }

  std::vector<torch::Tensor> gradients(const torch::Tensor& y) const {
    return torch::autograd::grad({y}, {x_NI, matrix_OI, bias_O}, {dy_NO.to(y.scalar_type())});
  }
};

double error_of(const torch::Tensor& got, const torch::Tensor& expected) {
  if (expected.numel() == 0) return 0;
  return (got - expected).abs().max().item<double>() / std::max(1.0, expected.abs().max().item<double>());
}

class EveryIsaOfLinear : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override { set_isa(GetParam()); }
  void TearDown() override { set_isa(before_); }

 private:
  Isa before_ = isa();
};

INSTANTIATE_TEST_SUITE_P(, EveryIsaOfLinear, testing::ValuesIn(available_isas()),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(EveryIsaOfLinear, EqualsTheFormula) {
  for (const Sizes& sizes : kSizes) {
    const Problem problem(sizes);
    const auto y = linear_product(problem.x_NI, problem.matrix_OI, problem.bias_O);
    const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    const auto expected = wide(problem.x_NI).matmul(wide(problem.matrix_OI).t()) + wide(problem.bias_O);
    EXPECT_LT(error_of(y, expected), kTolerance) << sizes.N;
    const auto got = problem.gradients(y), wanted = problem.gradients(expected);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_LT(error_of(got[i], wanted[i]), kTolerance) << sizes.N << " " << i;
  }
}

TEST_P(EveryIsaOfLinear, ThreadsAndPackedPanelsDoNotChangeABit) {
  const int threads = at::get_num_threads();
  for (const Sizes& sizes : kSizes) {
    const Problem problem(sizes);
    at::set_num_threads(1);
    const auto y = linear_product(problem.x_NI, problem.matrix_OI, problem.bias_O);
    const auto expected = problem.gradients(y);
    for (const int count : {2, 3}) {
      at::set_num_threads(count);
      const auto again =
          linear_product(problem.x_NI, problem.matrix_OI, problem.bias_O, pack_panels(problem.matrix_OI));
      EXPECT_TRUE(torch::equal(again, y));
      const auto got = problem.gradients(again);
      for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(torch::equal(got[i], expected[i]));
    }
  }
  at::set_num_threads(threads);
}

TEST(LinearOp, OnlyWhatWantsAGradientGetsOne) {
  Problem problem({40, 16, 24});
  problem.matrix_OI.requires_grad_(false);
  linear_product(problem.x_NI, problem.matrix_OI, problem.bias_O).backward(problem.dy_NO);
  EXPECT_TRUE(problem.x_NI.grad().defined());
  EXPECT_FALSE(problem.matrix_OI.grad().defined());
  EXPECT_LT(error_of(problem.bias_O.grad(), problem.dy_NO.sum(0)), kTolerance);
  EXPECT_FALSE(linear_product(problem.x_NI.detach(), problem.matrix_OI).requires_grad());
}

TEST(LinearOp, WhatIsNotANumberPropagates) {
  Problem problem({30, 16, 24});
  auto x = problem.x_NI.detach().clone();
  x[3][2] = std::numeric_limits<float>::quiet_NaN();
  const auto is_bad = torch::isnan(linear_product(x, problem.matrix_OI)).all(1);
  EXPECT_TRUE(is_bad[3].item<bool>());
  EXPECT_EQ(is_bad.sum().item<int64_t>(), 1);
}

TEST(LinearOp, SmallProductsAreLeftToTheLibrary) {
  const auto x = torch::zeros({4, 64}), matrix = torch::zeros({64, 64});
  EXPECT_FALSE(can_run_linear(x, matrix));
  EXPECT_FALSE(can_run_linear(torch::zeros({400, 64}), torch::zeros({4, 64})));
  EXPECT_FALSE(can_run_linear(torch::zeros({400, 64}, torch::kFloat64), matrix.to(torch::kFloat64)));
  EXPECT_EQ(can_run_linear(torch::zeros({400, 64}), matrix), isa() != Isa::kPlain);
}

TEST(LinearOp, RefusesWhatDoesNotFit) {
  EXPECT_THROW(linear_product(torch::zeros({4, 5}), torch::zeros({8, 6})), ShapeError);
  EXPECT_THROW(linear_product(torch::zeros({4, 6}), torch::zeros({8, 6}), torch::zeros({7})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::linear_test
