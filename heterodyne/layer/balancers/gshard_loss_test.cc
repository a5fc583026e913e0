#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::gshard_loss_test {
namespace {

double loss_of(const torch::Tensor& prob_TE, const torch::Tensor& expert_TK) {
  const RouteInput input{prob_TE, 1, prob_TE.size(0), {}, {}, {true, false}};
  const auto routing = make_routing({expert_TK, prob_TE.gather(1, expert_TK), prob_TE, {}}, input, prob_TE.size(1));
  return balancers().make(Member(Table{{"kind", "gshard_loss"}}))->loss(routing).item<double>();
}

// Worked by hand: first choices (.75, .25, 0) of four tokens, mean probabilities (.475, .35, .175), a third of the sum
// of products .44375. Second choices count for nothing.
TEST(GshardLoss, FirstChoicesAlone) {
  const auto prob_TE = torch::tensor({{.7, .2, .1}, {.5, .3, .2}, {.1, .8, .1}, {.6, .1, .3}}, torch::kFloat64);
  for (const int64_t k : {1, 2, 3}) {
    EXPECT_NEAR(loss_of(prob_TE, std::get<1>(prob_TE.topk(k, -1))), .44375 / 3, 1e-12) << k;
  }
}

TEST(GshardLoss, PerfectBalanceIsOneByESquared) {
  const auto prob_TE = torch::full({4, 4}, 0.25, torch::kFloat64);
  EXPECT_NEAR(loss_of(prob_TE, torch::arange(4).view({4, 1})), 1.0 / 16, 1e-12);
}

}  // namespace
}  // namespace heterodyne::gshard_loss_test
