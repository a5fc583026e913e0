#include "heterodyne/ops/rows/cross_entropy.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::cross_entropy_test {
namespace {

torch::Tensor draw(const char* name, torch::IntArrayRef sizes) { return RandomStream(name).normal({1, 0}, sizes) * 3; }

torch::Tensor labels(int64_t N, int64_t Y) { return torch::arange(N).mul(7).remainder(Y); }

torch::Tensor plain(const torch::Tensor& logit_NY, const torch::Tensor& label_N) {
  return at::cross_entropy_loss(logit_NY.to(torch::kFloat64), label_N, {}, at::Reduction::None);
}

// Logits ln 1, ln 2, ln 5 have the probabilities 1/8, 2/8, 5/8.
TEST(CrossEntropyOfRows, AHandWorkedRow) {
  const auto logit_NY = torch::tensor({{0.0, std::log(2.0), std::log(5.0)}}, torch::kFloat32).requires_grad_();
  const auto loss_N = cross_entropy_of_rows(logit_NY, torch::tensor({1}));
  EXPECT_NEAR(loss_N.item<double>(), std::log(4), 1e-6);
  const auto found = torch::autograd::grad({loss_N}, {logit_NY})[0];
  EXPECT_TRUE(torch::allclose(found, torch::tensor({{0.125F, -0.75F, 0.625F}}), 1e-5, 1e-6)) << found;
}

TEST(CrossEntropyOfRows, AgreesWithLibTorchInFloat64) {
  for (const int64_t Y : {1, 2, 15, 16, 33, 1000}) {
    for (const int64_t N : {0, 1, 37}) {
      const auto logit_NY = draw("x", {N, Y}).requires_grad_();
      const auto label_N = labels(N, Y), dloss_N = draw("d", {N});
      const auto loss_N = cross_entropy_of_rows(logit_NY, label_N), expected = plain(logit_NY, label_N);
      EXPECT_TRUE(torch::allclose(loss_N.to(torch::kFloat64), expected, 1e-5, 1e-5)) << N << " " << Y;
      const auto found = torch::autograd::grad({loss_N}, {logit_NY}, {dloss_N})[0];
      const auto wanted = torch::autograd::grad({expected}, {logit_NY}, {dloss_N.to(torch::kFloat64)})[0];
      EXPECT_TRUE(torch::allclose(found, wanted, 1e-4, 1e-5)) << N << " " << Y;
    }
  }
}

TEST(CrossEntropyOfRows, HasItsGradients) {
  const auto f = [](const std::vector<torch::Tensor>& in) { return cross_entropy_of_rows(in[0], labels(5, 19)); };
  EXPECT_LT(gradient_error(f, {draw("x", {5, 19})}), 1e-8);
}

TEST(CrossEntropyOfRows, LargeLogitsStayFinite) {
  const auto logit_NY = torch::tensor({{1e30F, -1e30F, 0.0F}, {-200.0F, 0.0F, 5.0F}});
  const auto loss_N = cross_entropy_of_rows(logit_NY, torch::tensor({0, 0}));
  EXPECT_TRUE(torch::allclose(loss_N, torch::tensor({0.0F, 205.0067F})));
}

TEST(CrossEntropyOfRows, NaNAndInfinityAreNotHidden) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  auto logit_NY = draw("x", {4, 40});
  logit_NY[0][0] = kNaN;
  logit_NY[1][39] = kNaN;
  logit_NY[2][20] = kInfinity;
  const auto is_nan = cross_entropy_of_rows(logit_NY, labels(4, 40)).isnan();
  EXPECT_TRUE(torch::equal(is_nan, torch::tensor({true, true, true, false}))) << is_nan;
}

TEST(CrossEntropyOfRows, AnyNumberOfThreadsGivesTheSameBits) {
  const auto logit_NY = draw("x", {300, 700}).requires_grad_();
  const auto pass = [&] {
    const auto loss_N = cross_entropy_of_rows(logit_NY, labels(300, 700));
    return std::pair(loss_N, torch::autograd::grad({loss_N.sum()}, {logit_NY})[0]);
  };
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto expected = pass();
  for (const int count : {2, 3}) {
    at::set_num_threads(count);
    const auto got = pass();
    EXPECT_TRUE(torch::equal(got.first, expected.first) && torch::equal(got.second, expected.second));
  }
  at::set_num_threads(before);
}

TEST(CrossEntropyOfRows, ALabelOutsideIsNamed) {
  try {
    cross_entropy_of_rows(torch::zeros({3, 5}), torch::tensor({0, 4, 5}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_NE(std::string(error.what()).find("label_N: expected 0 .. 4, got 5 for row 2"), std::string::npos);
  }
  EXPECT_THROW(cross_entropy_of_rows(torch::zeros({3, 5}), torch::zeros({2}, torch::kInt64)), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::cross_entropy_test
