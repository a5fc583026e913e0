#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::bottleneck_test {
namespace {

std::shared_ptr<Expert> bottleneck(Table settings, int64_t width) {
  settings.set("kind", "bottleneck");
  return experts().make(Member(settings), ExpertContext{width, width, 0, {1, "e"}});
}

// x = (1, 2): 3 + .5 down there, twice and -1 times that on the way back, plus biases and x.
TEST(BottleneckExpert, AHandWorkedAnswer) {
  const auto expert = bottleneck({{"hidden", 1}, {"activation", "relu"}}, 2);
  const torch::NoGradGuard no_grad;
  auto p = expert->named_parameters();
  p["down.weight"].copy_(torch::tensor({{1.0, 1.0}}));
  p["down.bias"].fill_(0.5);
  p["up.weight"].copy_(torch::tensor({{2.0}, {-1.0}}));
  p["up.bias"].fill_(0.25);
  const auto x = torch::tensor({{1.0F, 2.0F}});
  const auto y = expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}});
  EXPECT_TRUE(torch::equal(y, torch::tensor({{8.25F, -1.25F}})));
}

TEST(BottleneckExpert, StartsCloseToTheIdentity) {
  const auto x = fixtures::normal("x", {9, 32});
  const auto y = bottleneck({}, 32)->forward({x, torch::arange(9), x.unsqueeze(0), {}, {}});
  const double change = (y - x).norm().item<double>() / x.norm().item<double>();
  EXPECT_GT(change, 0);
  EXPECT_LT(change, 0.01);
}

}  // namespace
}  // namespace heterodyne::bottleneck_test
