#include "heterodyne/layer/linear_gate_router.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::linear_gate_router_test {
namespace {

// Shows its logits.
struct BareRouter : LinearGateRouter {
  BareRouter(double init_std, const RouterContext& context) : LinearGateRouter("router.bare", 1, init_std, context) {}
  Routing route(const RouteInput& input) override { return make_routing({}, input, num_experts()); }
  using LinearGateRouter::logits;
};

TEST(LinearGateRouter, LogitsAreLinearInTheToken) {
  BareRouter router(0.5, fixtures::router_context(4, 3));
  const auto x_TD = fixtures::normal("x", {5, 4});
  const auto expected = torch::matmul(x_TD, router.parameters()[0].t());
  EXPECT_TRUE(torch::allclose(router.logits(fixtures::route_input(x_TD)), expected));
  EXPECT_EQ(router.macs_per_token(), 12);
}

// The gate is the identity, so logits are the jittered input: x times U(0.9, 1.1), of variance 0.2^2 / 12.
TEST(LinearGateRouter, JitterMultipliesEachComponentInTrainingAlone) {
  BareRouter router(0, fixtures::router_context(4, 4));
  {
    const torch::NoGradGuard no_grad;
    router.parameters()[0].copy_(torch::eye(4));
  }
  const auto input = fixtures::route_input(torch::full({5000, 4}, 3.0));
  const auto factor = (router.logits(input, 0.1) / 3).detach();
  EXPECT_GE(factor.min().item<double>(), 0.9 - 1e-6);
  EXPECT_LE(factor.max().item<double>(), 1.1 + 1e-6);
  EXPECT_NEAR(factor.mean().item<double>(), 1, 0.002);
  EXPECT_NEAR(factor.var().item<double>(), 0.04 / 12, 1e-4);
  EXPECT_GT((factor.select(1, 0) - factor.select(1, 1)).abs().max().item<double>(), 0.1) << "each its own draw";
  router.eval();
  EXPECT_TRUE(torch::equal(router.logits(input, 0.1), input.x_TD));
}

TEST(LinearGateRouter, NarrowTokensAreJitteredInFloat32) {
  BareRouter router(0, fixtures::router_context(4, 3));
  router.to(torch::kBFloat16);
  const auto input = fixtures::route_input(fixtures::normal("x", {5, 4}).to(torch::kBFloat16));
  EXPECT_EQ(router.logits(input, 0.1).scalar_type(), torch::kFloat32);
}

}  // namespace
}  // namespace heterodyne::linear_gate_router_test
