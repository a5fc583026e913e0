#include "heterodyne/ops/conv_gelu_conv.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/gelu.h>
#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::conv_gelu_conv_test {
namespace {

struct Sizes {
  std::string name;
  int64_t N, D, C, K;
};

class ConvGeluConvCases : public testing::TestWithParam<Sizes> {};
INSTANTIATE_TEST_SUITE_P(All, ConvGeluConvCases,
                         testing::Values(Sizes{"usual", 70, 128, 32, 5}, Sizes{"odd_sizes", 33, 100, 7, 3},
                                         Sizes{"kernel_of_one", 5, 9, 2, 1},
                                         Sizes{"kernel_wider_than_the_row", 4, 3, 2, 9},
                                         Sizes{"one_feature", 3, 1, 2, 3}, Sizes{"no_rows", 0, 8, 2, 3},
                                         Sizes{"one_row", 1, 37, 3, 7}),
                         [](const auto& test) { return test.param.name; });

torch::Tensor normal(const std::string& name, torch::IntArrayRef sizes) {
  return RandomStream(name).normal({1, 0}, sizes).to(torch::kFloat64);
}

std::vector<torch::Tensor> inputs_of(const Sizes& s) {
  return {normal("x", {s.N, s.D}), normal("w", {s.C, s.K}), normal("b", {s.C}), normal("v", {s.C, s.K}),
          normal("a", {1})};
}

torch::Tensor ours(const std::vector<torch::Tensor>& in) { return conv_gelu_conv(in[0], {in[1], in[2], in[3], in[4]}); }

torch::Tensor reference(const std::vector<torch::Tensor>& in) {
  const int64_t K = in[1].size(1);
  const auto hidden = at::gelu(at::conv1d(in[0].unsqueeze(1), in[1].unsqueeze(1), in[2], 1, K / 2));
  return at::conv1d(hidden, in[3].unsqueeze(0), in[4], 1, K / 2).squeeze(1);
}

std::vector<torch::Tensor> with_gradient(std::vector<torch::Tensor> in) {
  for (auto& tensor : in) tensor.requires_grad_();
  return in;
}

TEST_P(ConvGeluConvCases, EqualsTwoConvolutions) {
  if (GetParam().N == 0) GTEST_SKIP() << "the reference refuses no rows";
  const auto in = inputs_of(GetParam());
  EXPECT_TRUE(torch::allclose(ours(in), reference(in), 1e-10, 1e-11));
  std::vector<torch::Tensor> single;
  for (const auto& tensor : in) single.push_back(tensor.to(torch::kFloat32));
  // The formula for erf is off by 1.5e-7, times C K terms of size about 1.
  EXPECT_TRUE(torch::allclose(ours(single).to(torch::kFloat64), reference(in), 1e-5, 5e-5));
}

TEST_P(ConvGeluConvCases, TheGradientsAreThoseOfTwoConvolutions) {
  if (GetParam().N == 0) GTEST_SKIP() << "the reference refuses no rows";
  const auto in = with_gradient(inputs_of(GetParam()));
  const auto out = normal("o", {GetParam().N, GetParam().D});
  const auto mine = torch::autograd::grad({(ours(in) * out).sum()}, in),
             theirs = torch::autograd::grad({(reference(in) * out).sum()}, in);
  for (size_t i = 0; i < in.size(); ++i) EXPECT_TRUE(torch::allclose(mine[i], theirs[i], 1e-9, 1e-9)) << i;
}

TEST_P(ConvGeluConvCases, TheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  std::vector<std::vector<torch::Tensor>> results;
  for (const int n : {1, 3}) {
    at::set_num_threads(n);
    std::vector<torch::Tensor> in;
    for (const auto& tensor : inputs_of(GetParam())) in.push_back(tensor.to(torch::kFloat32));
    in = with_gradient(in);
    results.push_back(torch::autograd::grad({ours(in).pow(2).sum()}, in));
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) EXPECT_TRUE(torch::equal(results[0][i], results[1][i])) << i;
}

// Central differences of a smooth function at step 1e-5 agree to about 1e-9.
TEST(ConvGeluConv, GradientsByFiniteDifferences) {
  EXPECT_LT(gradient_error(ours, inputs_of({"small", 3, 6, 2, 3})), 1e-7);
}

// Against the library's GELU at float32 over its whole range, through an identity of one channel and one tap.
TEST(ConvGeluConv, GeluIsExactToFloat32) {
  const auto one = torch::ones({1, 1}), zero = torch::zeros({1});
  const auto x = torch::linspace(-20, 20, 4001).unsqueeze(0).requires_grad_();
  const auto y = conv_gelu_conv(x, {one, zero, one, zero});
  const auto expected = at::gelu(x.to(torch::kFloat64));
  EXPECT_LT((y.to(torch::kFloat64) - expected).abs().max().item<double>(), 1.5e-6)
      << "at 20, one unit in the last place is 1.9e-6";
  const auto dx = torch::autograd::grad({y.sum()}, {x})[0];
  const auto x64 = x.detach().to(torch::kFloat64).requires_grad_();
  const auto dx64 = torch::autograd::grad({at::gelu(x64).sum()}, {x64})[0];
  EXPECT_LT((dx.to(torch::kFloat64) - dx64).abs().max().item<double>(), 5e-7);
}

TEST(ConvGeluConv, ANaNComesOutAgain) {
  const auto one = torch::ones({1, 1}), zero = torch::zeros({1});
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const auto y = conv_gelu_conv(torch::tensor({{nan, infinity, 1.0}}, torch::kFloat32), {one, zero, one, zero});
  EXPECT_FALSE(torch::isfinite(y[0][0]).item<bool>());
  EXPECT_FALSE(torch::isfinite(y[0][1]).item<bool>());
  EXPECT_TRUE(torch::isfinite(y[0][2]).item<bool>());
}

TEST(ConvGeluConv, RefusesWhatDoesNotFit) {
  auto in = inputs_of({"small", 3, 6, 2, 3});
  in[3] = in[3].narrow(1, 0, 2);
  EXPECT_THROW(ours(in), ShapeError);
  EXPECT_THROW(ours(inputs_of({"even", 3, 6, 2, 4})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::conv_gelu_conv_test
