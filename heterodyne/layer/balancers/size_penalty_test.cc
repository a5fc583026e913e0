#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::size_penalty_test {
namespace {

std::vector<ExpertInfo> sizes(std::vector<int64_t> num_params) {
  std::vector<ExpertInfo> all;
  for (const int64_t count : num_params) all.push_back({static_cast<int64_t>(all.size()), "mlp", 0, count, 0, false});
  return all;
}

Routing routing_of(const torch::Tensor& prob_TE, int64_t k) {
  const auto [weight_TK, expert_TK] = prob_TE.topk(k, -1);
  const RouteInput input{prob_TE, 1, prob_TE.size(0), {}, {}, {true, false}};
  return make_routing({expert_TK, weight_TK, prob_TE, {}}, input, prob_TE.size(1));
}

torch::Tensor loss_of(const BalanceInput& input, Table settings = {}) {
  settings.set("kind", "size_penalty");
  return balancers().make(Member(settings))->loss(input);
}

// Eight equal experts of which each token gets four: 8 x 1/8 x 1/2 x 1/8.
TEST(SizePenalty, OfEqualExperts) {
  const auto routing = routing_of(torch::full({16, 8}, 0.125, torch::kFloat64), 4);
  EXPECT_NEAR(loss_of(routing).item<double>(), 0.0625, 1e-12);
  EXPECT_NEAR(loss_of({routing, sizes(std::vector<int64_t>(8, 1024))}).item<double>(), 0.0625, 1e-12);
  EXPECT_NEAR(loss_of(routing, {{"per", "batch"}}).item<double>(), 16 * 0.0625, 1e-12);
}

// Sizes (.5, .25, .25), f = (.75, .25, 0), P = (.475, .35, .175): .178125 + .021875.
TEST(SizePenalty, WeighsBySize) {
  const auto prob_TE = torch::tensor({{.7, .2, .1}, {.5, .3, .2}, {.1, .8, .1}, {.6, .1, .3}}, torch::kFloat64);
  const auto routing = routing_of(prob_TE, 1);
  EXPECT_NEAR(loss_of({routing, sizes({200, 100, 100})}).item<double>(), 0.2, 1e-12);
  EXPECT_NEAR(loss_of({routing, sizes({200, 100, 100})}, {{"per", "batch"}}).item<double>(), 0.8, 1e-12);
}

// With one token, experts of sizes (.75, .25) and p = (.6, .4): L = .75 x 1 x p_0, and f too has the gradient of p_0.
TEST(SizePenalty, TheShareMayHaveAGradient) {
  const auto prob_TE = torch::tensor({{.6, .4}}, torch::kFloat64).requires_grad_();
  const auto infos = sizes({3, 1});
  const auto gradient = [&](bool straight_through) {
    const auto loss = loss_of({routing_of(prob_TE, 1), infos}, {{"straight_through", straight_through}});
    EXPECT_NEAR(loss.item<double>(), .45, 1e-12);
    return torch::autograd::grad({loss}, {prob_TE})[0];
  };
  EXPECT_TRUE(torch::allclose(gradient(false), torch::tensor({{.75, 0.0}}, torch::kFloat64)));
  EXPECT_TRUE(torch::allclose(gradient(true), torch::tensor({{.75 + .75 * .6, 0.0}}, torch::kFloat64)));
}

}  // namespace
}  // namespace heterodyne::size_penalty_test
