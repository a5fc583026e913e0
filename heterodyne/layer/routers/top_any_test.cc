#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/layer/resize.h"

namespace heterodyne::top_any_test {
namespace {

// The experts lie along (1, 0), (0, 2) and (3, 3).
std::shared_ptr<Router> make(Table settings = {}, const std::vector<double>& thresholds = {0, 0, 0}) {
  settings.set("kind", "top_any");
  auto router = routers().make(Member(settings), fixtures::router_context(2, 3));
  const torch::NoGradGuard no_grad;
  auto parameters = router->named_parameters();
  parameters["direction"].copy_(torch::tensor({{1.0, 0.0}, {0.0, 2.0}, {3.0, 3.0}}));
  parameters["threshold"].copy_(torch::tensor(thresholds));
  return router;
}

// Cosines (.6, .8, .99), (-1, 0, -.71), (.8, -.6, .14) and none.
const auto kTokens = torch::tensor({{3.0, 4.0}, {-5.0, 0.0}, {4.0, -3.0}, {0.0, 0.0}});

torch::Tensor parameter(Router& router, const std::string& name) { return router.named_parameters()[name]; }

TEST(TopAnyRouter, EveryExpertAboveItsThresholdAnswers) {
  const auto routing = make()->route(fixtures::route_input(kTokens));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 1, 1}, {0, 0, 0}, {1, 0, 1}, {0, 0, 0}})));
  const auto expected = torch::tensor({{1.0 / 3, 1.0 / 3, 1.0 / 3}, {0.0, 0.0, 0.0}, {.5, 0.0, .5}, {0.0, 0.0, 0.0}});
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(routing), expected.to(torch::kFloat32)));
  // The best first: 2, 1, 0 of the first token, 0, 2 of the third.
  EXPECT_TRUE(torch::equal(routing.plan.choice_N, torch::tensor({2, 0, 1, 0, 1}, torch::kInt64)));
  const auto other = make({}, {.7, .7, .2})->route(fixtures::route_input(kTokens));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(other), torch::tensor({{0, 1, 1}, {0, 0, 0}, {1, 0, 0}, {0, 0, 0}})));
}

TEST(TopAnyRouter, AnExpertAtItsThresholdDoesNotAnswer) {
  const auto at = make({}, {.6, .8, 2})->route(fixtures::route_input(kTokens.narrow(0, 0, 1)));
  EXPECT_EQ(at.num_pairs(), 0);
  const auto below = make({}, {.5999, .8, 2})->route(fixtures::route_input(kTokens.narrow(0, 0, 1)));
  EXPECT_EQ(below.num_pairs(), 1);
}

TEST(TopAnyRouter, InTrainingATokenWithoutExpertIsCountedAndAnsweredWithNothing) {
  const auto sums = make()->route(fixtures::route_input(kTokens)).sums;
  EXPECT_EQ(sums.at("unrouted").item<double>(), 2);
  EXPECT_TRUE(torch::equal(sums.at("unrouted_sum_D"), torch::tensor({-5.0, 0.0}, torch::kFloat64)));
  auto masked = fixtures::route_input(kTokens);
  masked.mask_T = torch::tensor({1, 0, 1, 1}).to(torch::kBool);
  EXPECT_EQ(make()->route(masked).sums.at("unrouted").item<double>(), 1) << "padding does not count";
}

TEST(TopAnyRouter, InEvalModeTheBestExpertTakesThemTiesToTheLowest) {
  const auto router = make();
  router->eval();
  const auto routing = router->route(fixtures::route_input(kTokens));
  const auto expected = torch::tensor({{1.0 / 3, 1.0 / 3, 1.0 / 3}, {0.0, 1.0, 0.0}, {.5, 0.0, .5}, {1.0, 0.0, 0.0}});
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(routing), expected.to(torch::kFloat32)));
  EXPECT_TRUE(routing.sums.empty()) << "the fallback's tokens are no sign of use";
}

// Of cosines -.6, .8 and .14, not of those less the thresholds: -.1, -1.1 and -4.86.
TEST(TopAnyRouter, TheBestIsTheOneWithTheHighestCosine) {
  const auto router = make({}, {-.5, 1.9, 5});
  router->eval();
  const auto routing = router->route(fixtures::route_input(torch::tensor({{-3.0, 4.0}})));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{0, 1, 0}})));
}

TEST(TopAnyRouter, AtFirstDirectionsStandAtRightAnglesAndThresholdsAreZero) {
  for (const auto& [width, num_experts] : {std::pair(16, 6), std::pair(16, 16), std::pair(4, 9)}) {
    const auto router =
        routers().make(Member(Table{{"kind", "top_any"}}), fixtures::router_context(width, num_experts));
    const auto direction_ED = parameter(*router, "direction").detach();
    const bool is_wide = num_experts <= width;
    const auto product =
        is_wide ? torch::matmul(direction_ED, direction_ED.t()) : torch::matmul(direction_ED.t(), direction_ED);
    EXPECT_LT((product - torch::eye(product.size(0))).abs().max().item<double>(), 1e-6) << num_experts;
    EXPECT_EQ(parameter(*router, "threshold").abs().max().item<double>(), 0);
    const auto x_TD = fixtures::normal("x", {30, width});
    const auto sent_TE = fixtures::sent_of(router->route(fixtures::route_input(x_TD)));
    EXPECT_TRUE(torch::equal(sent_TE > 0, torch::matmul(x_TD, direction_ED.t()) > 0)) << "where the cosine is positive";
  }
}

TEST(TopAnyRouter, LayersBeginWithDifferentDirections) {
  auto context = fixtures::router_context(8, 4);
  const auto one = routers().make(Member(Table{{"kind", "top_any"}}), context);
  context.init.name = "layers.1.router";
  const auto other = routers().make(Member(Table{{"kind", "top_any"}}), context);
  EXPECT_FALSE(torch::allclose(parameter(*one, "direction"), parameter(*other, "direction")));
}

// The step itself has no derivative; what stands in for it is a - t of the chosen pairs, by the rule of each mode. The
// surrogate is written out with LibTorch's own operators.
TEST(TopAnyRouter, GradientsAreThoseOfTheSurrogate) {
  const auto u_TE = fixtures::normal("u", {20, 3}).to(torch::kFloat64);
  for (const bool is_quotient : {false, true}) {
    const auto router =
        make({{"gradient", is_quotient ? "quotient" : "constant_k"}, {"temperature", 0.5}, {"learn_temperature", true}},
             {.1, -.2, .3});
    router->to(torch::kFloat64);
    const auto x_TD = fixtures::normal("x", {20, 2}).to(torch::kFloat64).requires_grad_();
    auto direction_ED = parameter(*router, "direction"), threshold_E = parameter(*router, "threshold"),
         log_scale = parameter(*router, "log_scale");
    const std::vector<torch::Tensor> leaves{x_TD, direction_ED, threshold_E, log_scale};
    const auto routing = router->route(fixtures::route_input(x_TD));
    const auto u_N = u_TE.index({routing.plan.token_N, routing.plan.expert_N});
    const auto found = torch::autograd::grad({(routing.weight_N * u_N).sum()}, leaves);

    const auto unit = [](const torch::Tensor& row) { return row / row.norm(2, -1, true); };
    const auto scale = log_scale.exp();
    const auto excess_TE =
        (torch::matmul(unit(x_TD), unit(direction_ED).t()) * scale).sigmoid() - (threshold_E * scale).sigmoid();
    const auto g_TE = fixtures::sent_of(routing).to(torch::kFloat64), k_T1 = g_TE.sum(1, true).clamp_min(1);
    const auto advantage_TE = is_quotient ? u_TE - (u_TE * g_TE).sum(1, true) / k_T1 : u_TE;
    const auto surrogate = (excess_TE * g_TE * advantage_TE / k_T1).sum();
    const auto expected = torch::autograd::grad({surrogate}, leaves);
    for (size_t i = 0; i < leaves.size(); ++i) {
      EXPECT_TRUE(torch::allclose(found[i], expected[i], 1e-9, 1e-12)) << i << (is_quotient ? " quotient" : "");
      EXPECT_GT(found[i].abs().max().item<double>(), 1e-3) << i;
    }
  }
}

// One token, one pair: a = sigmoid(.6) = .645656, a (1 - a) = .228784; t = .5.
TEST(TopAnyRouter, GradientsByHand) {
  const auto router = make({{"learn_temperature", true}}, {0, 2, 2});
  const auto routing = router->route(fixtures::route_input(kTokens.narrow(0, 0, 1)));
  ASSERT_EQ(routing.num_pairs(), 1);
  const auto gradient = torch::autograd::grad(
      {routing.weight_N.sum()},
      {parameter(*router, "direction"), parameter(*router, "threshold"), parameter(*router, "log_scale")});
  const auto expected_ED = torch::tensor({{0.0, .228784 * .8}, {0.0, 0.0}, {0.0, 0.0}}).to(torch::kFloat32);
  EXPECT_TRUE(torch::allclose(gradient[0], expected_ED, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(gradient[1], torch::tensor({-.25F, 0.F, 0.F}), 1e-5, 1e-6));
  EXPECT_NEAR(gradient[2].item<double>(), .228784 * .6, 1e-5);
}

TEST(TopAnyRouter, PairsThatWereNotChosenHaveNoGradient) {
  const auto router = make({}, {2, 2, 2});
  const auto x_TD = kTokens.clone().requires_grad_();
  const auto routing = router->route(fixtures::route_input(x_TD));
  EXPECT_EQ(routing.num_pairs(), 0);
  const auto loss = routing.weight_N.sum() + routing.load_E.sum();
  const auto gradient = torch::autograd::grad(
      {loss}, {x_TD, parameter(*router, "direction"), parameter(*router, "threshold")}, {}, false, false, true);
  for (const auto& one : gradient) EXPECT_TRUE(!one.defined() || one.abs().max().item<double>() == 0);
}

TEST(TopAnyRouter, TheLoadIsTheNumberOfPairsWithTheirGradient) {
  const auto router = make();
  const auto routing = router->route(fixtures::route_input(kTokens));
  EXPECT_TRUE(torch::equal(routing.load_E.detach(), torch::tensor({2.F, 1.F, 2.F})));
  const auto gradient = torch::autograd::grad({routing.load_E.sum()}, {parameter(*router, "threshold")})[0];
  EXPECT_TRUE(torch::allclose(gradient, torch::tensor({-.5F, -.25F, -.5F}))) << "a quarter for each pair";
}

TEST(TopAnyRouter, TheTemperatureIsFrozenUnlessItIsToBeLearned) {
  EXPECT_FALSE(make()->named_parameters().contains("log_scale"));
  EXPECT_TRUE(make()->named_buffers().contains("log_scale")) << "a checkpoint holds it";
  const auto router = make({{"learn_temperature", true}, {"temperature", .5}});
  const auto input = fixtures::route_input(kTokens);
  EXPECT_NEAR(router->route(input).logit_TE[0][0].item<double>(), 1.2, 1e-6);
  const torch::NoGradGuard no_grad;
  parameter(*router, "log_scale").fill_(10);
  EXPECT_NEAR(router->route(input).logit_TE[0][0].item<double>(), 60, 1e-4) << "at least 0.01";
}

TEST(TopAnyRouter, WeightsSumToOneOrToNothing) {
  const auto router = routers().make(Member(Table{{"kind", "top_any"}}), fixtures::router_context(3, 3));
  const bool holds = rc::check("weights", [&] {
    const auto T = *rc::gen::inRange<int64_t>(0, 30);
    router->train(*rc::gen::arbitrary<bool>());
    const auto x_TD = fixtures::normal(std::to_string(*rc::gen::inRange(0, 1000)), {T, 3});
    const auto sum_T = fixtures::weights_of(router->route(fixtures::route_input(x_TD))).sum(1);
    const auto is_one_T = (sum_T - 1).abs() < 1e-6;
    RC_ASSERT(is_one_T.logical_or(sum_T == 0).all().item<bool>());
    RC_ASSERT(router->is_training() || is_one_T.all().item<bool>());
  });
  EXPECT_TRUE(holds);
}

TEST(TopAnyRouter, AllTokensToAllExpertsAndNoneToAny) {
  const auto input = fixtures::route_input(kTokens);
  EXPECT_EQ(make({}, {-2, -2, -2})->route(input).num_pairs(), 12);
  const auto one = make({}, {-2, 2, 2})->route(input);
  EXPECT_TRUE(torch::equal(one.plan.tokens_per_expert_E, torch::tensor({4, 0, 0}, torch::kInt64)));
}

std::shared_ptr<MoeLayer> layer_of(Array experts) {
  return fixtures::layer_of({{"router", Table{{"kind", "top_any"}}},
                             {"experts", std::move(experts)},
                             {"balancers", Array{Table{{"kind", "diversity"}}, Table{{"kind", "simplicity"}},
                                                 Table{{"kind", "weight_balance"}}, Table{{"kind", "efficiency"}},
                                                 Table{{"kind", "gshard_loss"}}}}});
}

MoeInput input_of(int64_t batch) { return {fixtures::normal("x", {batch, 6, 16}), {}, {3, 5}}; }

// A token with any expert is answered as by the one network that all of them are, the others with zeros.
TEST(TopAnyRouter, IdenticalExpertsAreOneExpert) {
  const auto layer = layer_of({Table{{"kind", "mlp"}, {"hidden", 24}, {"count", 3}}});
  const torch::NoGradGuard no_grad;
  const auto& slots = layer->slots();
  for (const auto& slot : slots) {
    for (auto& value : slot.expert->named_parameters())
      value.value().copy_(slots[0].expert->named_parameters()[value.key()]);
  }
  const auto input = input_of(4);
  const auto x_TD = input.x_BSD.view({24, 16});
  const auto one_TD = slots[0].expert->forward({x_TD, torch::arange(24), input.x_BSD, {}, input.random});
  RoutingLog log;
  const auto y_TD = layer->forward(input, &log).y_BSO.view({24, 16});
  const auto sent_T1 = y_TD.abs().sum(1, true) > 0;
  EXPECT_EQ(24 - sent_T1.sum().item<int64_t>(), log.layers[0].num_unrouted);
  EXPECT_GT(log.layers[0].num_unrouted, 0);
  EXPECT_TRUE(torch::allclose(y_TD, one_TD * sent_T1, 1e-4, 1e-5));
}

TEST(TopAnyRouter, ExpertsOfAnyKindLearnWithAllLosses) {
  for (const int64_t batch : {0, 2}) {
    const auto layer = layer_of(fixtures::mixed_experts());
    const auto output = layer->forward(input_of(batch), nullptr);
    auto loss = output.y_BSO.square().sum();
    EXPECT_EQ(output.losses.size(), 5U);
    for (const auto& [name, part] : output.losses) loss = loss + part;
    EXPECT_TRUE(torch::isfinite(loss).item<bool>());
    loss.backward();
    for (const auto& value : layer->router().named_parameters()) {
      const auto& gradient = value.value().grad();
      EXPECT_TRUE(!gradient.defined() || torch::isfinite(gradient).all().item<bool>()) << value.key();
    }
    if (batch == 0) continue;
    EXPECT_GT(parameter(layer->router(), "threshold").grad().abs().max().item<double>(), 0);
  }
}

TEST(TopAnyRouter, AnExpertThatIsAimedGetsThoseTokensAndAThresholdOfZero) {
  const auto router = make({}, {2, 2, 2});
  EXPECT_TRUE(router->aim(1, torch::tensor({-6.0, 8.0})));
  EXPECT_TRUE(torch::allclose(parameter(*router, "direction")[1], torch::tensor({-.6F, .8F})));
  EXPECT_TRUE(torch::equal(parameter(*router, "threshold"), torch::tensor({2.F, 0.F, 2.F})));
  const auto routing = router->route(fixtures::route_input(torch::tensor({{-3.0, 4.0}})));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{0, 1, 0}})));
}

TEST(TopAnyRouter, AllThresholdsMayBeginElsewhere) {
  const auto router =
      routers().make(Member(Table{{"kind", "top_any"}, {"threshold", 0.25}}), fixtures::router_context(2, 3));
  EXPECT_TRUE(torch::equal(parameter(*router, "threshold"), torch::full({3}, 0.25F)));
  router->aim(1, torch::tensor({1.0F, 1.0F}));
  EXPECT_EQ(parameter(*router, "threshold")[1].item<float>(), 0.25F);
}

TEST(TopAnyRouter, ScoresThatAreNoNumbersAreNamed) {
  auto x_TD = kTokens.clone();
  x_TD[2][0] = NAN;
  EXPECT_EQ(fixtures::message_of<Error>([&] { make()->route(fixtures::route_input(x_TD)); }),
            "[layers.0.router] scores: expected numbers, got NaN for 1 of 4 tokens, the first is token 2");
}

}  // namespace
}  // namespace heterodyne::top_any_test
