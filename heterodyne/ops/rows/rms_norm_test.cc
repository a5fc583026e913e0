#include "heterodyne/ops/rows/rms_norm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::rms_norm_test {
namespace {

torch::Tensor draw(const char* name, torch::IntArrayRef sizes) { return RandomStream(name).normal({1, 0}, sizes); }

torch::Tensor plain(const torch::Tensor& x, const torch::Tensor& weight_D, double eps) {
  return x * (x.pow(2).mean(-1, true) + eps).rsqrt() * weight_D;
}

// The mean of 1, 4 and 16 is 7, and 2 more for eps make 9: divided by 3, then times the weight.
TEST(RmsNorm, AHandWorkedRow) {
  const auto y = rms_norm(torch::tensor({1.0, -2.0, 4.0}), torch::tensor({3.0, 1.5, -6.0}), 2);
  EXPECT_TRUE(torch::allclose(y, torch::tensor({1.0, -1.0, -8.0}), 1e-6, 1e-6)) << y;
}

TEST(RmsNorm, AgreesWithPlainOperators) {
  for (const int64_t D : {1, 5, 16, 100, 256}) {
    const auto weight_D = draw("weight", {D});
    for (const auto& x : {draw("x", {7, 9, D}), draw("x", {0, D}), draw("x", {D, 130}).t()}) {
      EXPECT_TRUE(torch::allclose(rms_norm(x, weight_D, 1e-5), plain(x, weight_D, 1e-5), 1e-5, 1e-5)) << D;
    }
  }
}

TEST(RmsNorm, TakesOtherDtypes) {
  const auto x = draw("x", {7, 20}), w = draw("weight", {20});
  const auto y = rms_norm(x.to(torch::kBFloat16), w.to(torch::kBFloat16), 1e-5);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::allclose(y.to(torch::kFloat32), plain(x, w, 1e-5), 0.05, 0.05));
}

TEST(RmsNorm, HasItsGradients) {
  const auto f = [](const std::vector<torch::Tensor>& in) { return rms_norm(in[0], in[1], 0.1); };
  EXPECT_LT(gradient_error(f, {draw("x", {3, 19}), draw("weight", {19})}), 1e-8);
  // More rows than a block has.
  const auto x = draw("x", {200, 33}).requires_grad_(), w = draw("weight", {33}).requires_grad_();
  const auto dy = draw("dy", {200, 33});
  const auto ours = torch::autograd::grad({rms_norm(x, w, 1e-5)}, {x, w}, {dy});
  const auto theirs = torch::autograd::grad({plain(x, w, 1e-5)}, {x, w}, {dy});
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(torch::allclose(ours[i], theirs[i], 1e-4, 1e-4));
}

TEST(RmsNorm, AnyNumberOfThreadsGivesTheSameBits) {
  const auto x = draw("x", {1000, 64}).requires_grad_(), w = draw("weight", {64}).requires_grad_();
  const auto all = [&] {
    const auto y = rms_norm(x, w, 1e-5);
    auto parts = torch::autograd::grad({y}, {x, w}, {draw("dy", {1000, 64})});
    parts.push_back(y);
    return parts;
  };
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = all();
  at::set_num_threads(3);
  const auto three = all();
  at::set_num_threads(before);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i]));
}

TEST(RmsNorm, OfNoRowsHasAGradient) {
  const auto x = torch::zeros({0, 4}).requires_grad_(), w = torch::ones({4}).requires_grad_();
  rms_norm(x, w, 1e-5).sum().backward();
  EXPECT_EQ(w.grad().abs().max().item<double>(), 0);
}

TEST(RmsNorm, RefusesAnotherWidth) {
  EXPECT_THROW(rms_norm(torch::zeros({2, 3}), torch::zeros({4}), 1e-5), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::rms_norm_test
