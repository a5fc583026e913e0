#include "heterodyne/ops/rows/rotate.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::ops::rotate_test {
namespace {

torch::Tensor draw(const char* name, torch::IntArrayRef sizes) { return RandomStream(name).normal({1, 0}, sizes); }

// (3, 4) turned by an angle whose cosine is 0.6 and sine 0.8: (1.8 - 3.2, 2.4 + 2.4); the pair (1, 0) by a quarter
// turn.
TEST(Rotate, AHandWorkedRow) {
  const auto x = torch::tensor({3.0, 1.0, 4.0, 0.0}).view({1, 1, 1, 4});
  const auto y = rotate(x, torch::tensor({{0.6, 0.0}}), torch::tensor({{0.8, 1.0}})).view(-1);
  EXPECT_TRUE(torch::allclose(y, torch::tensor({-1.4, 0.0, 4.8, 1.0}), 1e-6, 1e-6)) << y;
}

TEST(Rotate, OddSizesAndDtypesAgreeWithEachOther) {
  const auto angle = draw("angle", {7, 5});
  for (const auto& x : {draw("x", {3, 7, 4, 10}), draw("y", {0, 7, 4, 10}), draw("x", {7, 3, 4, 10}).transpose(0, 1)}) {
    const auto wide = rotate(x.to(torch::kFloat64), angle.cos().to(torch::kFloat64), angle.sin().to(torch::kFloat64));
    EXPECT_TRUE(torch::allclose(rotate(x, angle.cos(), angle.sin()).to(torch::kFloat64), wide, 1e-5, 1e-5));
    const auto narrow =
        rotate(x.to(torch::kBFloat16), angle.cos().to(torch::kBFloat16), angle.sin().to(torch::kBFloat16));
    EXPECT_TRUE(torch::allclose(narrow.to(torch::kFloat64), wide, 0.05, 0.05));
  }
}

TEST(Rotate, TheGradientTurnsBack) {
  const auto angle = draw("angle", {3, 2}).to(torch::kFloat64);
  EXPECT_LT(gradient_error([&](const auto& in) { return rotate(in[0], angle.cos(), angle.sin()); },
                           {draw("x", {2, 3, 2, 4})}),
            1e-8);
}

TEST(Rotate, AnyNumberOfThreadsGivesTheSameBits) {
  const auto angle = draw("angle", {64, 16});
  const auto x = draw("x", {8, 64, 8, 32});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = rotate(x, angle.cos(), angle.sin());
  at::set_num_threads(3);
  EXPECT_TRUE(torch::equal(rotate(x, angle.cos(), angle.sin()), one));
  at::set_num_threads(before);
}

TEST(Rotate, RefusesWhatDoesNotFit) {
  EXPECT_THROW(rotate(torch::zeros({1, 2, 1, 4}), torch::zeros({3, 2}), torch::zeros({3, 2})), ShapeError);
  EXPECT_THROW(rotate(torch::zeros({1, 3, 1, 4}), torch::zeros({3, 2}), torch::zeros({3, 1})), ShapeError);
  EXPECT_THROW(rotate(torch::zeros({1, 3, 1, 5}), torch::zeros({3, 2}), torch::zeros({3, 2})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::rotate_test
