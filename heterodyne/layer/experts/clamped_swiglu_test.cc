#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::clamped_swiglu_test {
namespace {

// One hidden value. x = 2: the gate is min(2 x 3 + 1, 2) = 2, the linear part clamp(2 x -4 + 0.5, -2, 2) = -2, so that
// (-2 + 1) x 2 sigmoid(1 x 2) = -2 / (1 + e^-2), times 5 and with 0.25 added.
TEST(ClampedSwigluExpert, AHandWorkedAnswer) {
  const Table settings{{"kind", "clamped_swiglu"}, {"hidden", 1}, {"limit", 2.0}, {"sharpness", 1.0}};
  const auto expert = experts().make(Member(settings), ExpertContext{1, 1, 0, {1, "e"}});
  const torch::NoGradGuard no_grad;
  auto p = expert->named_parameters();
  p["w1.weight"].fill_(3), p["w1.bias"].fill_(1);
  p["w3.weight"].fill_(-4), p["w3.bias"].fill_(0.5);
  p["w2.weight"].fill_(5), p["w2.bias"].fill_(0.25);
  const auto x = torch::tensor({{2.0F}});
  const auto y = expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}});
  EXPECT_NEAR(y.item<double>(), 0.25 - 10 / (1 + std::exp(-2.0)), 1e-5);
  EXPECT_EQ(expert->cost({4, 4, 1}).routed.macs, 4 * 3);
}

}  // namespace
}  // namespace heterodyne::clamped_swiglu_test
