#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::constant_test {
namespace {

// x = (1, 2), W_c x = (0, ln 3): shares 1/4 and 3/4 of x and v = (4, 8).
TEST(ConstantExpert, AHandWorkedAnswer) {
  const auto expert = experts().make(Member(Table{{"kind", "constant"}}), ExpertContext{2, 2, 0, {1, "e"}});
  const torch::NoGradGuard no_grad;
  auto p = expert->named_parameters();
  p["mix.weight"].copy_(torch::tensor({{2.0, -1.0}, {std::log(3.0), 0.0}}));
  p["vector"].copy_(torch::tensor({4.0, 8.0}));
  const auto x = torch::tensor({{1.0F, 2.0F}});
  const auto y = expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}});
  EXPECT_TRUE(torch::allclose(y, torch::tensor({{3.25F, 6.5F}})));
  EXPECT_EQ(expert->cost({1, 1, 1}).routed.macs, 4);
}

}  // namespace
}  // namespace heterodyne::constant_test
