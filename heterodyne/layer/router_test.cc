// The promises of router.h, kept by every kind.
#include "heterodyne/layer/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne {
namespace {

class RouterContract : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<Router> make(int64_t width = 8, int64_t num_experts = 6, Table settings = {}) const {
    settings.set("kind", GetParam());
    return routers().make(Member(settings), fixtures::router_context(width, num_experts));
  }

  // Whether each token gets a number of experts that is set.
  bool has_k() const {
    const auto settings = routers().schema(GetParam()).list();
    return std::any_of(settings.begin(), settings.end(), [](const FieldInfo& field) { return field.name == "k"; });
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, RouterContract, testing::ValuesIn(routers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(RouterContract, SendsEachTokenToDifferentExperts) {
  const auto router = make();
  const auto routing = router->route(fixtures::route_input(fixtures::normal("x", {40, 8})));
  ASSERT_EQ(routing.num_tokens(), 40);
  ASSERT_EQ(routing.num_experts(), 6);
  const auto seen_TE = torch::zeros({40, 6}, torch::kInt64)
                           .index_put({routing.plan.token_N, routing.plan.expert_N},
                                      torch::ones({routing.num_pairs()}, torch::kInt64), true);
  EXPECT_LE(seen_TE.max().item<int64_t>(), 1);
  EXPECT_LE(seen_TE.sum(1).max().item<int64_t>(), router->max_choices());
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

TEST_P(RouterContract, EveryExpertAxisHasOneEntryForEachExpert) {
  const auto router = make();
  for (const auto& axis : router->expert_axes()) EXPECT_EQ(axis.tensor.size(axis.axis), 6) << axis.name;
}

}  // namespace
}  // namespace heterodyne
