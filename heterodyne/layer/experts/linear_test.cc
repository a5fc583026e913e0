#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::linear_test {
namespace {

TEST(LinearExpert, AHandWorkedAnswer) {
  const auto expert = experts().make(Member(Table{{"kind", "linear"}}), ExpertContext{2, 3, 0, {1, "e"}});
  const torch::NoGradGuard no_grad;
  auto p = expert->named_parameters();
  p["map.weight"].copy_(torch::tensor({{1.0, 2.0}, {0.0, -1.0}, {3.0, 0.0}}));
  p["map.bias"].copy_(torch::tensor({0.5, 0.0, -1.0}));
  const auto x = torch::tensor({{2.0F, 5.0F}});
  const auto y = expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}});
  EXPECT_TRUE(torch::equal(y, torch::tensor({{12.5F, -5.0F, 5.0F}})));
  EXPECT_EQ(expert->cost({4, 4, 1}).routed.macs, 4 * 6);
}

TEST(LinearExpert, WithoutBias) {
  const auto expert =
      experts().make(Member(Table{{"kind", "linear"}, {"bias", false}}), ExpertContext{2, 3, 0, {1, "e"}});
  EXPECT_EQ(expert->parameters().size(), 1U);
}

}  // namespace
}  // namespace heterodyne::linear_test
