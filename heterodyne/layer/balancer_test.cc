// The promises of balancer.h, kept by every kind.
#include "heterodyne/layer/balancer.h"

#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne {
namespace {

class BalancerContract : public testing::TestWithParam<std::string> {
 protected:
  const std::shared_ptr<Balancer> balancer = balancers().make(Member(Table{{"kind", GetParam()}}));

  // A top-2 decision over these logits.
  static Routing routing_of(const torch::Tensor& logit_TE, const torch::Tensor& mask_T = {}) {
    const auto prob_TE = logit_TE.softmax(-1);
    const auto [weight_TK, expert_TK] = prob_TE.topk(2, -1);
    RouteInput input{logit_TE, 1, logit_TE.size(0), mask_T, {}, {true, true}};
    return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, logit_TE.size(1));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, BalancerContract, testing::ValuesIn(balancers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(BalancerContract, IsAFiniteScalarWithGradient) {
  const auto logit_TE = fixtures::normal("l", {20, 5}).requires_grad_();
  const auto loss = balancer->loss(routing_of(logit_TE));
  EXPECT_EQ(loss.dim(), 0);
  EXPECT_TRUE(torch::isfinite(loss).item<bool>());
  EXPECT_GT(torch::autograd::grad({loss}, {logit_TE})[0].abs().sum().item<double>(), 0);
}

TEST_P(BalancerContract, PerfectBalanceHasAFiniteGradient) {
  const auto logit_TE = torch::zeros({4, 4}).requires_grad_();
  const auto loss = balancer->loss(routing_of(logit_TE));
  EXPECT_TRUE(torch::isfinite(torch::autograd::grad({loss}, {logit_TE})[0]).all().item<bool>());
}

TEST_P(BalancerContract, PaddingChangesNothing) {
  const auto logit_TE = fixtures::normal("l", {20, 5});
  const double alone = balancer->loss(routing_of(logit_TE)).item<double>();
  const auto anything = torch::full({9, 5}, std::numeric_limits<float>::quiet_NaN());
  const auto padded = torch::cat({logit_TE, anything});
  const auto mask_T = torch::arange(29) < 20;
  EXPECT_NEAR(balancer->loss(routing_of(padded, mask_T)).item<double>(), alone, 1e-6 * std::abs(alone));
}

TEST_P(BalancerContract, ABatchWithoutTokensCostsNothing) {
  EXPECT_EQ(balancer->loss(routing_of(torch::zeros({0, 5}))).item<double>(), 0);
  EXPECT_EQ(balancer->loss(routing_of(torch::zeros({3, 5}), torch::zeros({3}, torch::kBool))).item<double>(), 0);
}

// The assignment is piecewise constant, so differences at a fixed assignment are the gradient that is meant.
TEST_P(BalancerContract, GradientsByFiniteDifferences) {
  const auto f = [&](const std::vector<torch::Tensor>& in) { return balancer->loss(routing_of(in[0])); };
  EXPECT_LT(ops::gradient_error(f, {fixtures::normal("l", {6, 4})}), 1e-7);
}

TEST_P(BalancerContract, ANegativeWeightIsRefused) {
  EXPECT_THROW(balancers().make(Member(Table{{"kind", GetParam()}, {"weight", -1}})), ConfigError);
}

}  // namespace
}  // namespace heterodyne
