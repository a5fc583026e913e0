// The promises of balancer.h, kept by every kind.
#include "heterodyne/layer/balancer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::balancer_test {
namespace {

class BalancerContract : public testing::TestWithParam<std::string> {
 protected:
  const std::shared_ptr<Balancer> balancer = balancers().make(Member(Table{{"kind", GetParam()}}));

  // A top-2 decision over these logits, by a router that expects as many tokens as their sigmoids say.
  static Routing routing_of(const torch::Tensor& logit_TE, const torch::Tensor& mask_T = {}) {
    const auto prob_TE = logit_TE.softmax(-1);
    const auto [weight_TK, expert_TK] = prob_TE.topk(2, -1);
    RouteInput input{logit_TE, 1, logit_TE.size(0), mask_T, {}, {true, true}};
    auto routing = make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, logit_TE.size(1));
    routing.load_E = mean_over_tokens(logit_TE.sigmoid(), routing) * static_cast<double>(routing.num_counted_tokens());
    return routing;
  }

  // Of that decision, by a router whose embedding of an expert is its logits of the tokens that count.
  torch::Tensor loss_of(const torch::Tensor& logit_TE, const torch::Tensor& mask_T = {}) const {
    const auto routing = routing_of(logit_TE, mask_T);
    BalanceInput input(routing);
    input.embedding_EP = (mask_T.defined() ? logit_TE.index({mask_T}) : logit_TE).t();
    return balancer->loss(input);
  }

  bool has_loss() const { return loss_of(torch::zeros({2, 3})).defined(); }
};

// The promises about losses.
class BalancerLossContract : public BalancerContract {
 protected:
  void SetUp() override {
    if (!has_loss()) GTEST_SKIP() << "acts after a step alone";
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, BalancerLossContract, testing::ValuesIn(balancers().names()),
                         [](const auto& test) { return test.param; });
INSTANTIATE_TEST_SUITE_P(Kinds, BalancerContract, testing::ValuesIn(balancers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(BalancerLossContract, IsAFiniteScalarWithGradient) {
  const auto logit_TE = fixtures::normal("l", {20, 5}).requires_grad_();
  const auto loss = loss_of(logit_TE);
  EXPECT_EQ(loss.dim(), 0);
  EXPECT_TRUE(torch::isfinite(loss).item<bool>());
  EXPECT_GT(torch::autograd::grad({loss}, {logit_TE})[0].abs().sum().item<double>(), 0);
}

TEST_P(BalancerLossContract, PerfectBalanceHasAFiniteGradient) {
  const auto logit_TE = torch::zeros({4, 4}).requires_grad_();
  const auto loss = loss_of(logit_TE);
  EXPECT_TRUE(torch::isfinite(torch::autograd::grad({loss}, {logit_TE})[0]).all().item<bool>());
}

TEST_P(BalancerLossContract, PaddingChangesNothing) {
  const auto logit_TE = fixtures::normal("l", {20, 5});
  const double alone = loss_of(logit_TE).item<double>();
  const auto anything = torch::full({9, 5}, std::numeric_limits<float>::quiet_NaN());
  const auto padded = torch::cat({logit_TE, anything});
  const auto mask_T = torch::arange(29) < 20;
  EXPECT_NEAR(loss_of(padded, mask_T).item<double>(), alone, 1e-6 * std::abs(alone));
}

TEST_P(BalancerLossContract, ABatchWithoutTokensCostsNothing) {
  EXPECT_EQ(loss_of(torch::zeros({0, 5})).item<double>(), 0);
  EXPECT_EQ(loss_of(torch::zeros({3, 5}), torch::zeros({3}, torch::kBool)).item<double>(), 0);
}

// The assignment is piecewise constant, so differences at a fixed assignment are the gradient that is meant.
TEST_P(BalancerLossContract, GradientsByFiniteDifferences) {
  const auto f = [&](const std::vector<torch::Tensor>& in) { return loss_of(in[0]); };
  EXPECT_LT(ops::gradient_error(f, {fixtures::normal("l", {6, 4})}), 1e-7);
}

TEST_P(BalancerContract, ANegativeWeightIsRefused) {
  EXPECT_THROW(balancers().make(Member(Table{{"kind", GetParam()}, {"weight", -1}})), ConfigError);
}

// What has no loss acts on the router, and what says that it does not need the bias leaves it alone.
TEST_P(BalancerContract, ActsOnTheLossOrOnTheBias) {
  fixtures::BiasedRouter router(torch::zeros({3}));
  balancer->after_step(router, {{"assignments_E", torch::tensor({4.0, 1.0, 1.0}, torch::kFloat64)},
                                {"tokens", torch::tensor(6.0, torch::kFloat64)}});
  EXPECT_EQ(router.selection_bias().abs().sum().item<double>() > 0, balancer->needs_selection_bias());
  EXPECT_NE(has_loss(), balancer->needs_selection_bias());
}

// Shazeer et al.'s definition: deviations 2, 0, -1, -1 from the mean 2.
TEST(SquaredVariation, PopulationAndSample) {
  const auto value_E = torch::tensor({4.0, 2.0, 1.0, 1.0}, torch::kFloat64);
  EXPECT_NEAR(squared_variation(value_E, false).item<double>(), 0.375, 1e-9);
  EXPECT_NEAR(squared_variation(value_E, true).item<double>(), 0.5, 1e-9);
  EXPECT_EQ(squared_variation(torch::tensor({3.0}), true).item<double>(), 0);
  EXPECT_EQ(squared_variation(torch::zeros({3}), true).item<double>(), 0);
}

TEST(EntropyOf, CertaintyIsZeroWithAFiniteGradient) {
  const auto prob_TE = torch::tensor({{1.0, 0.0}, {0.5, 0.5}}, torch::kFloat64).requires_grad_();
  const auto entropy_T = entropy_of(prob_TE);
  EXPECT_NEAR(entropy_T[0].item<double>(), 0, 1e-12);
  EXPECT_NEAR(entropy_T[1].item<double>(), std::log(2.0), 1e-12);
  EXPECT_TRUE(torch::isfinite(torch::autograd::grad({entropy_T.sum()}, {prob_TE})[0]).all().item<bool>());
}

}  // namespace
}  // namespace heterodyne::balancer_test
