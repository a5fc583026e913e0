#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/layer/router.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::top_k_test {
namespace {

std::shared_ptr<Router> identity_router(const Table& settings, int64_t num_experts) {
  return fixtures::identity_router("top_k", num_experts, settings);
}

const auto kLogits = torch::tensor({{2.0, 1.0, 0.0}, {0.0, 3.0, 1.0}});

TEST(TopKRouter, WeightsAreTheSoftmaxOfTheSelected) {
  const auto routing = identity_router({}, 3)->route(fixtures::route_input(kLogits));
  // Pairs sorted by expert: (token 0, expert 0), (token 0, expert 1), (token 1, expert 1), (token 1, expert 2).
  const double high1 = 1 / (1 + std::exp(-1.0)), high2 = 1 / (1 + std::exp(-2.0));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({high1, 1 - high1, high2, 1 - high2}, torch::kFloat32)));
  EXPECT_TRUE(torch::equal(routing.plan.choice_N, torch::tensor({0, 1, 0, 1}, torch::kInt64)));
}

// Logits (2, 1, 0) and (0, 3, 1) with 0, 0 and 4 added: experts 2 and 0, 2 and 1.
TEST(TopKRouter, ABiasIsPartOfTheLogits) {
  const auto router = identity_router({{"bias", true}}, 3);
  const torch::NoGradGuard no_grad;
  router->named_parameters()["gate.bias"].copy_(torch::tensor({0.0, 0.0, 4.0}));
  const auto routing = router->route(fixtures::route_input(kLogits));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::tensor({0, 1, 2, 2}, torch::kInt64)));
  const double low = 1 / (1 + std::exp(2.0));  // of 2 beside 4, and of 3 beside 5
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({low, low, 1 - low, 1 - low}, torch::kFloat32)));
  EXPECT_EQ(router->expert_axes().size(), 2U);
}

TEST(TopKRouter, RenormalizedProbabilitiesAreTheSoftmaxOfTheSelected) {
  const auto input = fixtures::route_input(fixtures::normal("x", {50, 6}));
  const auto a = identity_router({{"k", 3}}, 6)->route(input);
  const auto b = identity_router({{"k", 3}, {"weights", "renormalized"}}, 6)->route(input);
  EXPECT_TRUE(torch::allclose(a.weight_N, b.weight_N, 1e-5, 1e-6));
}

TEST(TopKRouter, ScoresAreTheProbabilitiesAsTheyAre) {
  const auto routing = identity_router({{"k", 1}, {"weights", "score"}}, 3)->route(fixtures::route_input(kLogits));
  const double z0 = std::exp(2.0) + std::exp(1.0) + 1, z1 = 1 + std::exp(3.0) + std::exp(1.0);
  EXPECT_TRUE(
      torch::allclose(routing.weight_N, torch::tensor({std::exp(2.0) / z0, std::exp(3.0) / z1}, torch::kFloat32)));
}

TEST(TopKRouter, OneIsStraightThrough) {
  auto x = kLogits.clone().requires_grad_();
  const auto one = identity_router({{"weights", "one"}}, 3)->route(fixtures::route_input(x));
  EXPECT_TRUE(torch::allclose(one.weight_N, torch::ones({4})));
  auto y = kLogits.clone().requires_grad_();
  const auto score = identity_router({{"weights", "score"}}, 3)->route(fixtures::route_input(y));
  const auto factor = torch::tensor({1.0, 2.0, 3.0, 4.0});
  EXPECT_TRUE(torch::allclose(torch::autograd::grad({(one.weight_N * factor).sum()}, {x})[0],
                              torch::autograd::grad({(score.weight_N * factor).sum()}, {y})[0]));
}

// Without a gradient, and of logits that nobody asks for, the same choices and weights come of one pass.
TEST(TopKRouter, InPassingItChoosesAndWeighsAsOtherwise) {
  for (const auto* weights : {"one", "renormalized", "softmax_of_selected"}) {
    auto in_passing = fixtures::route_input(fixtures::normal("x", {50, 6}));
    const auto router = identity_router({{"k", 3}, {"weights", weights}}, 6);
    const auto expected = router->route(in_passing);
    in_passing.needs = {};
    const torch::NoGradGuard no_grad;
    const auto routing = router->route(in_passing);
    EXPECT_FALSE(routing.logit_TE.defined());
    EXPECT_TRUE(torch::equal(routing.plan.expert_N, expected.plan.expert_N)) << weights;
    EXPECT_TRUE(torch::equal(routing.plan.token_N, expected.plan.token_N)) << weights;
    EXPECT_TRUE(torch::allclose(routing.weight_N, expected.weight_N, 1e-5, 1e-6)) << weights;
  }
}

// With one choice the softmax of the selected is 1 whatever the score; raw scores keep a gradient.
TEST(TopKRouter, WithOneChoiceOnlyScoresGiveTheGateAGradient) {
  for (const auto& [weights, has_gradient] : {std::pair{"softmax_of_selected", false}, {"score", true}}) {
    auto x = kLogits.clone().requires_grad_();
    const auto routing = identity_router({{"k", 1}, {"weights", weights}}, 3)->route(fixtures::route_input(x));
    const auto dx = torch::autograd::grad({routing.weight_N.sum()}, {x})[0];
    EXPECT_EQ(dx.abs().sum().item<double>() > 1e-6, has_gradient) << weights;
  }
}

TEST(TopKRouter, TiesGoToTheLowestPosition) {
  const auto routing = identity_router({{"k", 2}}, 4)->route(fixtures::route_input(torch::zeros({3, 4})));
  EXPECT_TRUE(torch::equal(routing.plan.tokens_per_expert_E, torch::tensor({3, 3, 0, 0}, torch::kInt64)));
}

// Gumbel-top-1 draws from the softmax: 20,000 draws, standard error at most 0.0036.
TEST(TopKRouter, GumbelNoiseDrawsFromTheSoftmax) {
  auto router = identity_router({{"k", 1}, {"noise", "gumbel"}}, 3);
  const auto input = fixtures::route_input(torch::tensor({1.0, 0.0, -1.0}).expand({20000, 3}));
  const auto share_E = router->route(input).plan.tokens_per_expert_E.to(torch::kFloat64) / 20000;
  EXPECT_TRUE(torch::allclose(share_E, torch::tensor({1.0, 0.0, -1.0}, torch::kFloat64).softmax(0), 0, 0.015));
  router->eval();
  EXPECT_EQ(router->route(input).plan.tokens_per_expert_E[0].item<int64_t>(), 20000) << "no noise in eval mode";
}

// P(expert 0 first) for two experts with scores 0 and 1 and noise of scale s is Phi(-1 / (s sqrt 2)).
TEST(TopKRouter, GaussianNoiseHasItsScale) {
  auto router = identity_router({{"k", 1}, {"noise", "gaussian"}, {"noise_scale", 2.0}}, 2);
  const auto input = fixtures::route_input(torch::tensor({0.0, 1.0}).expand({20000, 2}));
  const double share = router->route(input).plan.tokens_per_expert_E[0].item<double>() / 20000;
  EXPECT_NEAR(share, 0.5 * std::erfc(1 / (2 * std::sqrt(2.0)) / std::sqrt(2.0)), 0.015);
}

TEST(TopKRouter, GradientsOfWeightsByFiniteDifferences) {
  for (const auto* score : {"softmax", "sigmoid", "sqrtsoftplus"}) {
    for (const auto* weights : {"softmax_of_selected", "renormalized", "score"}) {
      auto router = identity_router({{"score", score}, {"weights", weights}}, 4);
      router->to(torch::kFloat64);
      const auto f = [&](const std::vector<torch::Tensor>& in) {
        return router->route(fixtures::route_input(in[0])).weight_N;
      };
      EXPECT_LT(ops::gradient_error(f, {fixtures::normal("x", {5, 4})}), 1e-8) << score << " " << weights;
    }
  }
}

// Logits 0 and ln 3 have the sigmoids 1/2 and 3/4, and softplus ln 2 and ln 4, whose roots are as 1 to sqrt 2.
TEST(TopKRouter, ScoresAreOfTheFunctionThatIsAskedFor) {
  const auto input = fixtures::route_input(torch::tensor({{0.0F, std::log(3.0F)}}));
  const auto of = [&](const char* score, const char* weights) {
    return identity_router({{"score", score}, {"weights", weights}}, 2)->route(input);
  };
  EXPECT_TRUE(torch::allclose(of("sigmoid", "score").weight_N, torch::tensor({0.5F, 0.75F})));
  EXPECT_TRUE(torch::allclose(of("sigmoid", "renormalized").weight_N, torch::tensor({0.4F, 0.6F})));
  EXPECT_TRUE(torch::allclose(of("sigmoid", "score").prob_TE, torch::tensor({{0.4F, 0.6F}})));
  EXPECT_TRUE(torch::allclose(of("sqrtsoftplus", "score").weight_N, torch::tensor({0.832555F, 1.177410F})));
  EXPECT_TRUE(torch::allclose(of("sqrtsoftplus", "renormalized").weight_N, torch::tensor({0.414214F, 0.585786F})));
  EXPECT_TRUE(torch::allclose(of("sqrtsoftplus", "softmax_of_selected").weight_N, torch::tensor({0.25F, 0.75F})));
}

TEST(TopKRouter, VeryLowLogitsKeepFiniteGradients) {
  auto x = torch::full({1, 3}, -500.0).requires_grad_();
  auto router = identity_router({{"score", "sqrtsoftplus"}, {"weights", "score"}}, 3);
  const auto dx = torch::autograd::grad({router->route(fixtures::route_input(x)).weight_N.sum()}, {x})[0];
  EXPECT_TRUE(torch::isfinite(dx).all().item<bool>());
}

TEST(TopKRouter, InitialValuesHaveTheirSpread) {
  const auto gate = [](Table settings) {
    settings.set("kind", "top_k");
    return routers().make(Member(settings), fixtures::router_context(4096, 4))->parameters()[0].detach();
  };
  EXPECT_NEAR(gate({{"init_std", 0.5}}).std().item<double>(), 0.5, 0.02);
  EXPECT_LE(gate({}).abs().max().item<double>(), 1.0 / 64);
}

TEST(TopKRouter, ANaNIsNamedByLayerAndToken) {
  auto x = torch::zeros({4, 3});
  x[2][1] = std::numeric_limits<float>::quiet_NaN();
  try {
    identity_router({}, 3)->route(fixtures::route_input(x));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("[layers.0.router] scores: expected numbers, got NaN"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("token 2"), std::string::npos);
  }
}

TEST(TopKRouter, NoiseScaleWithoutNoiseIsAnError) {
  EXPECT_THROW(identity_router({{"noise_scale", 2.0}}, 3), ConfigError);
}

}  // namespace
}  // namespace heterodyne::top_k_test
