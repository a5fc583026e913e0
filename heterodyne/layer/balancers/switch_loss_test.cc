#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne {
namespace {

const auto kProbabilities = torch::tensor({{.7, .2, .1}, {.5, .3, .2}, {.1, .8, .1}, {.6, .1, .3}}, torch::kFloat64);

double loss_of(const torch::Tensor& prob_TE, int64_t k, const char* normalize) {
  const auto [weight_TK, expert_TK] = prob_TE.topk(k, -1);
  const RouteInput input{prob_TE, 1, prob_TE.size(0), {}, {}, {true, false}};
  const auto routing = make_routing({expert_TK, weight_TK, prob_TE, {}}, input, prob_TE.size(1));
  return balancers()
      .make(Member(Table{{"kind", "switch_loss"}, {"normalize", normalize}}))
      ->loss(routing)
      .item<double>();
}

// Worked by hand: f = (.75, .25, 0), P = (.475, .35, .175).
TEST(SwitchLoss, TopOne) { EXPECT_NEAR(loss_of(kProbabilities, 1, "by_k"), 1.33125, 1e-12); }

// Counts (4, 3, 1) of eight assignments.
TEST(SwitchLoss, TopTwo) {
  EXPECT_NEAR(loss_of(kProbabilities, 2, "by_k"), 1.171875, 1e-12);
  EXPECT_NEAR(loss_of(kProbabilities, 2, "raw"), 2.34375, 1e-12);
}

TEST(SwitchLoss, PerfectBalanceIsOneOrK) {
  const auto even =
      torch::full({6, 3}, 1.0 / 3, torch::kFloat64) + 1e-9 * torch::eye(3, torch::kFloat64).repeat({2, 1});
  EXPECT_NEAR(loss_of(even, 1, "by_k"), 1, 1e-6);
  EXPECT_NEAR(loss_of(even, 3, "by_k"), 1, 1e-6);
  EXPECT_NEAR(loss_of(even, 3, "raw"), 3, 1e-6);
}

}  // namespace
}  // namespace heterodyne
