#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::l2_share_test {
namespace {

double loss_of(const torch::Tensor& weight_TE) {
  const auto expert_TK = torch::arange(weight_TE.size(1)).expand_as(weight_TE).contiguous();
  const auto chosen_TK = expert_TK.masked_fill(weight_TE == 0, -1);
  const int64_t T = weight_TE.size(0);
  const auto routing =
      make_routing({chosen_TK, weight_TE, {}, {}}, {torch::zeros({T, 1}), 1, T, {}, {}, {}}, weight_TE.size(1));
  return balancers().make(Member(Table{{"kind", "l2_share"}}))->loss(routing).item<double>();
}

// Shares (11, 16, 3) / 30: squared differences from a third .001111, .04 and .054444.
TEST(L2Share, AHandWorkedValue) {
  const auto weight_TE = torch::tensor({{.6, .4, 0.0}, {0.0, .7, .3}, {.5, .5, 0.0}}, torch::kFloat64);
  EXPECT_NEAR(loss_of(weight_TE), .0955556, 5e-8);
}

TEST(L2Share, WeightsOfEitherSignCountByTheirSize) {
  EXPECT_NEAR(loss_of(torch::tensor({{-.5}, {-.25}}, torch::kFloat64)), 0, 1e-12) << "one expert has its whole share";
  EXPECT_NEAR(loss_of(torch::tensor({{.5, -.5}}, torch::kFloat64)), 0, 1e-12);
}

TEST(L2Share, OneOrTwoOfTenExperts) {
  auto weight_TE = torch::zeros({5, 10}, torch::kFloat64);
  weight_TE.select(1, 3).fill_(1);
  EXPECT_NEAR(loss_of(weight_TE), .9, 1e-12);
  weight_TE.select(1, 7).fill_(1);
  EXPECT_NEAR(loss_of(weight_TE), .4, 1e-12);
  EXPECT_NEAR(loss_of(torch::ones({5, 10}, torch::kFloat64)), 0, 1e-12);
}

}  // namespace
}  // namespace heterodyne::l2_share_test
