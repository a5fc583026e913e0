// The promises of router.h, kept by every kind.
#include "heterodyne/layer/router.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::router_test {
namespace {

using fixtures::weights_of;

constexpr int64_t kWidth = 8, kExperts = 6;

torch::Tensor tokens(int64_t count, const std::string& name = "x") { return fixtures::normal(name, {count, kWidth}); }

// Away from ties: gates may begin at zero.
void spread_values(Router& router) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : router.named_parameters())
    parameter.value().copy_(fixtures::normal(parameter.key(), parameter.value().sizes()) * 0.5);
}

// int64 [T, E]: how often each token chose each expert.
torch::Tensor choices_of(const Routing& routing) {
  return torch::zeros({routing.num_tokens(), routing.num_experts()}, torch::kInt64)
      .index_put({routing.plan.token_N, routing.plan.expert_N}, torch::ones({routing.num_pairs()}, torch::kInt64),
                 true);
}

bool same_first_rows(const torch::Tensor& a, const torch::Tensor& b, int64_t count) {
  return torch::allclose(a.narrow(0, 0, count), b.narrow(0, 0, count), 1e-5, 1e-6);
}

class RouterContract : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<Router> make(int64_t width = kWidth, int64_t num_experts = kExperts, Table settings = {}) const {
    settings.set("kind", GetParam());
    return routers().make(Member(settings), fixtures::router_context(width, num_experts));
  }

  RouterTraits traits() const { return routers().find(GetParam()).traits; }

  // Whether each token gets a number of experts that is set.
  bool has_k() const {
    const auto settings = routers().schema(GetParam()).list();
    return std::any_of(settings.begin(), settings.end(), [](const FieldInfo& field) { return field.name == "k"; });
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, RouterContract, testing::ValuesIn(routers().names()),
                         [](const auto& test) { return test.param; });

// Whatever the batch, one of no tokens or of a single one too.
TEST_P(RouterContract, SendsEachCountedTokenToDifferentExperts) {
  const auto router = make();
  const bool holds = rc::check(GetParam(), [&] {
    const auto T = *rc::gen::inRange<int64_t>(0, 20);
    auto input = fixtures::route_input(tokens(T, std::to_string(*rc::gen::inRange(0, 1000))));
    input.mask_T = torch::ones({T}, torch::kBool);
    for (int64_t t = 0; t < T; ++t) input.mask_T[t] = *rc::gen::arbitrary<bool>();
    router->train(*rc::gen::arbitrary<bool>());
    const auto routing = router->route(input);
    RC_ASSERT(routing.num_tokens() == T);
    RC_ASSERT(routing.num_experts() == kExperts);
    RC_ASSERT(torch::isfinite(routing.weight_N).all().item<bool>());
    RC_ASSERT(traits().may_drop || routing.num_dropped == 0);
    const auto seen_TE = choices_of(routing);
    RC_ASSERT((seen_TE <= 1).all().item<bool>());
    RC_ASSERT((seen_TE.sum(1) <= router->max_choices()).all().item<bool>());
    RC_ASSERT(input.mask_T.index_select(0, routing.plan.token_N).all().item<bool>());
  });
  EXPECT_TRUE(holds);
}

TEST_P(RouterContract, WeighsPairsWithFiniteNumbersOfAtLeastFloat32) {
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16, torch::kFloat64}) {
    const auto router = make();
    router->to(dtype);
    const auto routing = router->route(fixtures::route_input(fixtures::normal("x", {40, 8}).to(dtype)));
    EXPECT_TRUE(routing.weight_N.scalar_type() == torch::kFloat32 || routing.weight_N.scalar_type() == torch::kFloat64);
    EXPECT_EQ(routing.weight_N.size(0), routing.num_pairs());
    EXPECT_TRUE(torch::isfinite(routing.weight_N).all().item<bool>());
  }
}

TEST_P(RouterContract, RoutesNoTokens) {
  const auto routing = make()->route(fixtures::route_input(torch::zeros({0, 8})));
  EXPECT_EQ(routing.num_pairs(), 0);
  EXPECT_EQ(routing.plan.tokens_per_expert_E.sum().item<int64_t>(), 0);
}

TEST_P(RouterContract, EqualInputsAreRoutedEquallyInEvalMode) {
  const auto router = make();
  router->eval();
  auto input = fixtures::route_input(fixtures::normal("x", {40, 8}));
  const auto first = router->route(input);
  input.random = {3, 6};
  const auto second = router->route(input);
  EXPECT_TRUE(torch::equal(first.plan.expert_N, second.plan.expert_N));
  EXPECT_TRUE(torch::equal(first.weight_N, second.weight_N));
}

TEST_P(RouterContract, RepeatsADecisionOfTrainingWithTheSameKey) {
  const auto router = make();
  const auto input = fixtures::route_input(fixtures::normal("x", {40, 8}));
  const auto first = router->route(input), second = router->route(input);
  EXPECT_TRUE(torch::equal(first.plan.expert_N, second.plan.expert_N)) << "route() changed something";
  EXPECT_TRUE(torch::equal(first.weight_N, second.weight_N));
}

TEST_P(RouterContract, RoutesMaskedTokensNowhere) {
  auto input = fixtures::route_input(fixtures::normal("x", {12, 8}));
  input.mask_T = torch::arange(12) % 3 != 0;
  const auto routing = make()->route(input);
  EXPECT_TRUE(input.mask_T.index_select(0, routing.plan.token_N).all().item<bool>());
  EXPECT_EQ(routing.num_counted_tokens(), 8);
}

TEST_P(RouterContract, GivesTheScoresThatAreAskedFor) {
  const auto router = make();
  auto input = fixtures::route_input(fixtures::normal("x", {6, 8}));
  const auto routing = router->route(input);
  EXPECT_EQ(routing.prob_TE.sizes(), (std::vector<int64_t>{6, 6}));
  EXPECT_EQ(routing.logit_TE.sizes(), (std::vector<int64_t>{6, 6}));
  EXPECT_TRUE(torch::allclose(routing.prob_TE.sum(1), torch::ones({6}), 1e-5, 1e-5));
  input.needs = {};
  EXPECT_FALSE(router->route(input).prob_TE.defined());
}

TEST_P(RouterContract, RejectsTheWrongWidth) {
  EXPECT_THROW(make()->route(fixtures::route_input(torch::zeros({4, 9}))), ShapeError);
  EXPECT_THROW(make()->route(fixtures::route_input(torch::zeros({4}))), ShapeError);
}

TEST_P(RouterContract, WorksWithOneExpertAndWithAllOfThem) {
  if (!has_k()) GTEST_SKIP() << "has no fixed number of choices";
  const auto x_TD = fixtures::normal("x", {7, 8});
  EXPECT_EQ(make(8, 1, {{"k", 1}})->route(fixtures::route_input(x_TD)).num_pairs(), 7);
  EXPECT_EQ(make(8, 5, {{"k", 5}})->route(fixtures::route_input(x_TD)).num_pairs(), 35);
}

TEST_P(RouterContract, RefusesMoreChoicesThanExperts) {
  if (!has_k()) GTEST_SKIP() << "has no fixed number of choices";
  Table settings{{"kind", GetParam()}, {"k", 8}};
  settings.find("k")->set_position({"my.toml", 15, 28});
  Member choice(settings);
  choice.path = "model.moe.router";
  try {
    routers().make(choice, fixtures::router_context(8, 4));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "my.toml:15:28: [model.moe.router] k: expected at most num_experts = 4, got 8");
  }
}

// With all experts chosen the weights are the dense mixture's.
TEST_P(RouterContract, WithAllExpertsTheWeightsAreTheProbabilities) {
  if (!has_k()) GTEST_SKIP() << "has no fixed number of choices";
  const auto router = make(kWidth, kExperts, {{"k", kExperts}});
  spread_values(*router);
  for (const bool trains : {true, false}) {
    router->train(trains);
    const auto routing = router->route(fixtures::route_input(tokens(9)));
    EXPECT_TRUE(torch::allclose(weights_of(routing), routing.prob_TE.detach(), 1e-5, 1e-6));
  }
}

TEST_P(RouterContract, SaysTheSumOfUnroutedTokensWhereItPromisesTo) {
  const auto router = make();
  const auto sums = router->route(fixtures::route_input(tokens(20))).sums;
  ASSERT_EQ(sums.contains("unrouted_sum_D"), traits().sums_unrouted);
  if (!traits().sums_unrouted) return;
  EXPECT_EQ(sums.at("unrouted_sum_D").sizes(), (std::vector<int64_t>{kWidth}));
}

// Whatever lengths they have.
TEST_P(RouterContract, AnExpertThatIsAimedAtATokenResemblesIt) {
  const auto router = make();
  spread_values(*router);
  const auto toward_D = tokens(1)[0] * 20;
  if (!router->aim(2, toward_D)) GTEST_SKIP() << "has no embeddings as wide as tokens";
  const auto embedding_ED = router->embeddings().detach();
  const auto cosine = (embedding_ED[2] * toward_D).sum() / (embedding_ED[2].norm() * toward_D.norm());
  EXPECT_NEAR(cosine.item<double>(), 1, 1e-5);
}

TEST_P(RouterContract, ExpertsThatChangePlacesKeepTheirTokens) {
  const auto router = make();
  if (router->expert_axes().empty()) GTEST_SKIP() << "knows nothing of single experts";
  spread_values(*router);
  router->eval();
  const bool holds = rc::check(GetParam(), [&] {
    const auto place_E = fixtures::normal(std::to_string(*rc::gen::inRange(0, 1000)), {kExperts}).argsort();
    const auto input = fixtures::route_input(tokens(12, std::to_string(*rc::gen::inRange(0, 1000))));
    const auto before_TE = weights_of(router->route(input));
    const torch::NoGradGuard no_grad;
    for (auto& axis : router->expert_axes()) axis.tensor.copy_(axis.tensor.index_select(axis.axis, place_E));
    const auto after_TE = weights_of(router->route(input));
    RC_ASSERT(torch::allclose(after_TE, before_TE.index_select(1, place_E), 1e-5, 1e-6));
  });
  EXPECT_TRUE(holds);
}

TEST_P(RouterContract, LaterTokensChangeNothingWhereItIsCausal) {
  if (!traits().is_causal) GTEST_SKIP() << "is not causal";
  const auto router = make();
  spread_values(*router);
  for (const bool trains : {true, false}) {
    if (trains && !traits().is_causal_in_training) continue;
    router->train(trains);
    const auto x_TD = tokens(12);
    const auto before_TE = weights_of(router->route(fixtures::route_input(x_TD)));
    const auto other_TD = torch::cat({x_TD.narrow(0, 0, 7), tokens(5, "other")});
    EXPECT_TRUE(same_first_rows(weights_of(router->route(fixtures::route_input(other_TD))), before_TE, 7));
    const auto first = fixtures::route_input(x_TD.narrow(0, 0, 7));
    EXPECT_TRUE(same_first_rows(weights_of(router->route(first)), before_TE, 7)) << "fewer tokens";
  }
}

TEST_P(RouterContract, LoadsAreEqualWhereItIsBalanced) {
  if (!traits().is_balanced) GTEST_SKIP() << "is not balanced by construction";
  const auto count_E = make()->route(fixtures::route_input(tokens(24))).plan.tokens_per_expert_E;
  EXPECT_EQ(count_E.max().item<int64_t>(), count_E.min().item<int64_t>());
}

TEST_P(RouterContract, GivesAsManyExpertsAsAreAskedForAtRunTime) {
  if (!traits().takes_override) GTEST_SKIP() << "has no scores to go by";
  const auto router = make();
  spread_values(*router);
  router->eval();
  auto input = fixtures::route_input(tokens(10));
  const auto num_pairs = [&](RouteOverride wanted) {
    input.override = wanted;
    const auto routing = router->route(input);
    EXPECT_TRUE(torch::isfinite(routing.weight_N).all().item<bool>());
    EXPECT_LE(choices_of(routing).max().item<int64_t>(), 1);
    return routing.num_pairs();
  };
  EXPECT_EQ(num_pairs({.k = 1}), 10);
  EXPECT_EQ(num_pairs({.k = 3}), 30);
  EXPECT_EQ(num_pairs({.min_p = 1.0}), 10);
  EXPECT_EQ(num_pairs({.min_p = 0.0}), 10 * kExperts);
  EXPECT_EQ(num_pairs({.threshold = 1.5}), 0);
  EXPECT_THROW(num_pairs({.k = kExperts + 1}), ConfigError);
}

// In float64, with noise and choices held; a point where a choice flips is no point for a derivative.
TEST_P(RouterContract, GradientsByFiniteDifferences) {
  const auto router = make();
  spread_values(*router);
  router->to(torch::kFloat64);
  auto x_TD = tokens(5).to(torch::kFloat64).requires_grad_();
  std::vector<torch::Tensor> leaves{x_TD};
  for (auto& parameter : router->parameters()) leaves.push_back(parameter);
  for (const bool trains : {true, false}) {
    router->train(trains);
    const auto choice_N = router->route(fixtures::route_input(x_TD)).plan.expert_N;
    const auto outputs = [&] {
      const auto routing = router->route(fixtures::route_input(x_TD));
      EXPECT_TRUE(torch::equal(routing.plan.expert_N, choice_N)) << "a choice flips here";
      std::vector<torch::Tensor> parts{routing.prob_TE.reshape(-1)};
      if (!traits().is_straight_through) parts.push_back(routing.weight_N);
      if (routing.load_E.defined() && !traits().is_straight_through) parts.push_back(routing.load_E);
      return torch::cat(parts);
    };
    if (!outputs().requires_grad()) GTEST_SKIP() << "learns nothing";
    EXPECT_LT(ops::leaf_gradient_error(outputs, leaves), 1e-3);
  }
}

TEST_P(RouterContract, EveryExpertAxisHasOneEntryForEachExpert) {
  const auto router = make();
  const auto parameters = router->named_parameters(), buffers = router->named_buffers();
  for (const auto& axis : router->expert_axes()) {
    EXPECT_EQ(axis.tensor.size(axis.axis), kExperts) << axis.name;
    const auto* registered = parameters.contains(axis.name) ? parameters.find(axis.name) : buffers.find(axis.name);
    ASSERT_NE(registered, nullptr) << axis.name;
    EXPECT_TRUE(registered->is_same(axis.tensor)) << axis.name;
  }
}

std::shared_ptr<MoeLayer> layer_with(const std::string& kind) {
  const Table expert{{"kind", "mlp"}, {"hidden", 4}, {"count", kExperts}};
  return fixtures::layer_of({{"router", Table{{"kind", kind}}}, {"experts", Array{expert}}}, kWidth);
}

MoeInput layer_input() {
  MoeInput input{fixtures::normal("x", {2, 6, kWidth}), {}, {3, 5}};
  input.token_id_BS = torch::arange(12).view({2, 6});
  input.label_B = torch::ones({2}, torch::kInt64);
  return input;
}

TEST_P(RouterContract, ALayerRefusesToAskWhatItCannotDo) {
  if (traits().takes_override) GTEST_SKIP() << "can be asked";
  auto input = layer_input();
  input.override.k = 1;
  EXPECT_THROW(layer_with(GetParam())->forward(input, nullptr), ConfigError);
}

TEST_P(RouterContract, ExpertsComeAndGoWhereItIsResizable) {
  const auto layer = layer_with(GetParam());
  if (traits().is_resizable) {
    const auto added = add_expert(*layer, {});
    EXPECT_EQ(layer->router().num_experts(), kExperts + 1);
    for (const auto& axis : layer->router().expert_axes()) EXPECT_EQ(axis.tensor.size(axis.axis), kExperts + 1);
    EXPECT_TRUE(torch::isfinite(layer->forward(layer_input(), nullptr).y_BSO).all().item<bool>());
    remove_expert(*layer, added.id);
  } else {
    EXPECT_THROW(add_expert(*layer, {}), ConfigError);
    EXPECT_THROW(remove_expert(*layer, 0), ConfigError);
  }
  EXPECT_EQ(layer->router().num_experts(), kExperts);
  EXPECT_EQ(layer->num_experts(), kExperts);
  EXPECT_TRUE(torch::isfinite(layer->forward(layer_input(), nullptr).y_BSO).all().item<bool>());
}

TEST_P(RouterContract, GoesOnAfterAStep) {
  const auto layer = layer_with(GetParam());
  for (int step = 0; step < 3; ++step) {
    const auto output = layer->forward(layer_input(), nullptr);
    EXPECT_TRUE(torch::isfinite(output.y_BSO).all().item<bool>());
    for (const auto& [name, sum] : output.sums) EXPECT_FALSE(sum.requires_grad()) << name;
    layer->after_step(output.sums);
  }
}

}  // namespace
}  // namespace heterodyne::router_test
