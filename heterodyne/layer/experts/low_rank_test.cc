#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::low_rank_test {
namespace {

// V x = 2 - 5 = -3 for x = (2, 5), U = (1, 2, 4).
TEST(LowRankExpert, AHandWorkedAnswer) {
  const auto expert =
      experts().make(Member(Table{{"kind", "low_rank"}, {"rank", 1}}), ExpertContext{2, 3, 0, {1, "e"}});
  const torch::NoGradGuard no_grad;
  auto p = expert->named_parameters();
  ASSERT_EQ(p.size(), 2U) << "no biases";
  p["down.weight"].copy_(torch::tensor({{1.0, -1.0}}));
  p["up.weight"].copy_(torch::tensor({{1.0}, {2.0}, {4.0}}));
  const auto x = torch::tensor({{2.0F, 5.0F}});
  const auto y = expert->forward({x, torch::arange(1), x.unsqueeze(0), {}, {}});
  EXPECT_TRUE(torch::equal(y, torch::tensor({{-3.0F, -6.0F, -12.0F}})));
  EXPECT_EQ(expert->cost({4, 4, 1}).routed.macs, 4 * (2 + 3));
}

TEST(LowRankExpert, EachExpertOfAGroupTakesItsRank) {
  const auto layer = fixtures::layer_of({{"experts", Array{Table{{"kind", "low_rank"}, {"rank", Array{1, 5}}}}}});
  EXPECT_EQ(layer->named_parameters()["experts.1.down.weight"].size(0), 5);
}

}  // namespace
}  // namespace heterodyne::low_rank_test
