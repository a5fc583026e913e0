#include <gtest/gtest.h>

#include "heterodyne/layer/balancer.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::noisy_top_k_test {
namespace {

std::shared_ptr<Router> make(int64_t width, int64_t num_experts, Table settings = {}) {
  settings.set("kind", "noisy_top_k");
  return routers().make(Member(settings), fixtures::router_context(width, num_experts));
}

void set_normal(Router& router) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : router.named_parameters())
    parameter.value().copy_(fixtures::normal(parameter.key(), parameter.value().sizes()));
}

// With zeros every expert has the same chance: k / E of the tokens, 20,000 x 3 / 8 = 7,500 with a deviation of 68.
TEST(NoisyTopKRouter, BeginsBalanced) {
  const auto router = make(4, 8, {{"k", 3}});
  for (const auto& parameter : router->parameters()) EXPECT_EQ(parameter.abs().max().item<double>(), 0);
  const auto routing = router->route(fixtures::route_input(fixtures::normal("x", {20000, 4})));
  const auto expected = torch::full({8}, 7500.0);
  EXPECT_TRUE(torch::allclose(routing.load_E.detach(), expected, 0, 300)) << routing.load_E;
  EXPECT_TRUE(torch::allclose(routing.plan.tokens_per_expert_E.to(torch::kFloat32), expected, 0, 300));
}

// At fixed draws, with respect to both matrices.
TEST(NoisyTopKRouter, TheLoadLossHasTheGradientOfFiniteDifferences) {
  for (const double floor : {0.0, 0.01}) {
    const auto router = make(5, 7, {{"k", 3}, {"noise_floor", floor}});
    set_normal(*router);
    router->to(torch::kFloat64);
    const auto input = fixtures::route_input(fixtures::normal("x", {12, 5}).to(torch::kFloat64));
    const auto loss = [&] { return squared_variation(router->route(input).load_E, false) * 100; };
    EXPECT_LT(ops::leaf_gradient_error(loss, router->parameters()), 1e-6);
    const auto gradients = torch::autograd::grad({loss()}, router->parameters());
    for (const auto& gradient : gradients) EXPECT_GT(gradient.abs().max().item<double>(), 0.1);
  }
}

TEST(NoisyTopKRouter, InEvalModeNothingIsDrawnAndTheLoadIsCounted) {
  const auto router = make(5, 7);
  set_normal(*router);
  router->eval();
  const auto x_TD = fixtures::normal("x", {12, 5});
  const auto routing = router->route(fixtures::route_input(x_TD));
  EXPECT_TRUE(torch::allclose(routing.logit_TE, torch::matmul(x_TD, router->named_parameters()["gate.weight"].t())));
  EXPECT_TRUE(torch::equal(routing.load_E, routing.plan.tokens_per_expert_E.to(torch::kFloat32)));
}

TEST(NoisyTopKRouter, WithAllExpertsTheLoadIsTheNumberOfTokens) {
  auto input = fixtures::route_input(fixtures::normal("x", {12, 5}));
  input.mask_T = torch::arange(12) < 9;
  EXPECT_TRUE(torch::equal(make(5, 3, {{"k", 3}})->route(input).load_E, torch::full({3}, 9.0)));
}

TEST(NoisyTopKRouter, MaskedTokensAreNoLoad) {
  const auto router = make(5, 7);
  set_normal(*router);
  const auto x_TD = fixtures::normal("x", {12, 5});
  auto input = fixtures::route_input(x_TD);
  input.mask_T = torch::arange(12) < 9;
  const auto first = router->route(fixtures::route_input(x_TD.narrow(0, 0, 9)));
  EXPECT_TRUE(torch::allclose(router->route(input).load_E, first.load_E));
}

}  // namespace
}  // namespace heterodyne::noisy_top_k_test
