#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::cosine_test {
namespace {

// The projection is the identity and the experts lie along (1, 0), (0, 2) and (3, 3).
std::shared_ptr<Router> make(Table settings = {}) {
  settings.set("kind", "cosine");
  settings.set("projection", 2);
  auto router = routers().make(Member(settings), fixtures::router_context(2, 3));
  const torch::NoGradGuard no_grad;
  router->named_parameters()["projection.weight"].copy_(torch::eye(2));
  router->named_parameters()["direction"].copy_(torch::tensor({{1.0, 0.0}, {0.0, 2.0}, {3.0, 3.0}}));
  return router;
}

TEST(CosineRouter, LogitsAreCosinesDividedByTheTemperature) {
  const auto logit_TE = make()->route(fixtures::route_input(torch::tensor({{3.0, 4.0}, {-5.0, 0.0}}))).logit_TE;
  const double root = std::sqrt(0.5);
  const auto cosine_TE = torch::tensor({{0.6, 0.8, 1.4 * root}, {-1.0, 0.0, -root}}, torch::kFloat32);
  EXPECT_TRUE(torch::allclose(logit_TE, cosine_TE / 0.5, 1e-5, 1e-6));
}

TEST(CosineRouter, LengthsDoNotMatter) {
  const auto x_TD = fixtures::normal("x", {20, 2});
  const auto a = make()->route(fixtures::route_input(x_TD)), b = make()->route(fixtures::route_input(x_TD * 100));
  EXPECT_TRUE(torch::allclose(a.logit_TE, b.logit_TE, 1e-5, 1e-5));
  EXPECT_EQ(make()->route(fixtures::route_input(torch::zeros({1, 2}))).logit_TE.abs().max().item<double>(), 0);
}

TEST(CosineRouter, TheTemperatureIsLearnedDownToOneInAHundred) {
  const auto router = make();
  const auto input = fixtures::route_input(torch::tensor({{3.0, 4.0}}));
  auto log_scale = router->named_parameters()["log_scale"];
  EXPECT_GT(torch::autograd::grad({router->route(input).weight_N[0]}, {log_scale})[0].abs().item<double>(), 1e-3);
  const torch::NoGradGuard no_grad;
  log_scale.fill_(10);
  EXPECT_NEAR(router->route(input).logit_TE[0][0].item<double>(), 60, 1e-3);
}

}  // namespace
}  // namespace heterodyne::cosine_test
