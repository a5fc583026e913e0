#include "heterodyne/layer/routing.h"

#include <ATen/ops/_unique.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "heterodyne/base/error.h"

namespace heterodyne::routing_test {
namespace {

RouteInput input_of(const torch::Tensor& x_TD, const torch::Tensor& mask_T = {}) {
  return {x_TD, 1, x_TD.size(0), mask_T, {}, {}};
}

TEST(Routing, SortsWeightsWithTheirPairs) {
  const auto routing =
      make_routing({torch::tensor({{2, 0}, {0, 1}}, torch::kInt64), torch::tensor({{0.9, 0.1}, {0.7, 0.3}}), {}, {}},
                   input_of(torch::zeros({2, 4})), 3);
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::tensor({0, 0, 1, 2}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({0.1, 0.7, 0.3, 0.9}, torch::kFloat32)));
}

TEST(Routing, WeightsCarryTheirGradientBack) {
  const auto weight_TK = torch::tensor({{0.9, 0.1}, {0.7, 0.3}}).requires_grad_();
  const auto routing = make_routing({torch::tensor({{2, -1}, {0, 1}}, torch::kInt64), weight_TK, {}, {}},
                                    input_of(torch::zeros({2, 4})), 3);
  const auto gradient =
      torch::autograd::grad({(routing.weight_N * torch::tensor({1.0, 2.0, 3.0})).sum()}, {weight_TK})[0];
  EXPECT_TRUE(torch::equal(gradient, torch::tensor({{3.0, 0.0}, {1.0, 2.0}}, torch::kFloat32)));
}

TEST(Routing, KeepsScoresOnlyWhenTheyAreNeeded) {
  auto input = input_of(torch::zeros({1, 4}));
  const TokenChoice choice{torch::zeros({1, 1}, torch::kInt64), torch::ones({1, 1}), torch::ones({1, 2}),
                           torch::zeros({1, 2})};
  EXPECT_FALSE(make_routing(choice, input, 2).prob_TE.defined());
  input.needs.logits = true;
  EXPECT_TRUE(make_routing(choice, input, 2).logit_TE.defined());
  EXPECT_FALSE(make_routing(choice, input, 2).prob_TE.defined());
}

TEST(Routing, WeightsOfAnotherShapeAreRefused) {
  EXPECT_THROW(make_routing({torch::zeros({2, 1}, torch::kInt64), torch::ones({2, 2}), {}, {}},
                            input_of(torch::zeros({2, 4})), 2),
               ShapeError);
}

TEST(RoutingPlaces, DrawsContinueWithTheText) {
  RouteInput whole = input_of(torch::zeros({10, 1})), first = input_of(torch::zeros({4, 1})),
             rest = input_of(torch::zeros({6, 1}));
  whole.num_sequences = first.num_sequences = rest.num_sequences = 2;
  whole.length = 5;
  first.length = 2;
  rest.length = 3;
  rest.first_position = 2;
  EXPECT_TRUE(torch::equal(position_of(rest), torch::tensor({2, 3, 4, 2, 3, 4}, torch::kInt64)));
  const auto parts = torch::cat({draw_row_of(first).view({2, 2}), draw_row_of(rest).view({2, 3})}, 1);
  EXPECT_TRUE(torch::equal(parts, draw_row_of(whole).view({2, 5})));
  EXPECT_EQ(std::get<0>(at::_unique(draw_row_of(whole))).size(0), 10) << "no two tokens draw alike";
}

TEST(RoutingPlaces, NoTokensHaveNoPlaces) {
  RouteInput none = input_of(torch::zeros({0, 1}));
  EXPECT_EQ(position_of(none).size(0), 0);
  EXPECT_EQ(draw_row_of(none).size(0), 0);
}

TEST(WithPairs, KeepsPairsWithTheirWeightsAndChoices) {
  const auto weight_TK = torch::tensor({{0.9, 0.1}, {0.7, 0.3}}).requires_grad_();
  auto input = input_of(torch::zeros({2, 4}));
  input.needs.probabilities = true;
  auto routing =
      make_routing({torch::tensor({{2, 0}, {0, 1}}, torch::kInt64), weight_TK, torch::ones({2, 3}), {}}, input, 3);
  routing.num_dropped = 5;
  // The pairs are (token 0, expert 0), (1, 0), (1, 1), (0, 2).
  const auto kept = with_pairs(routing, torch::tensor({true, false, true, false}));
  EXPECT_TRUE(torch::equal(kept.plan.token_N, torch::tensor({0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(kept.plan.expert_N, torch::tensor({0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(kept.plan.choice_N, torch::tensor({1, 1}, torch::kInt64))) << "both are second choices";
  EXPECT_TRUE(torch::equal(kept.plan.tokens_per_expert_E, torch::tensor({1, 1, 0}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(kept.weight_N, torch::tensor({0.1, 0.3}, torch::kFloat32)));
  EXPECT_TRUE(kept.prob_TE.defined());
  EXPECT_EQ(kept.num_dropped, 5);
  const auto gradient = torch::autograd::grad({kept.weight_N.sum()}, {weight_TK})[0];
  EXPECT_TRUE(torch::equal(gradient, torch::tensor({{0.0, 1.0}, {0.0, 1.0}}, torch::kFloat32)));
}

TEST(WithPairs, AllOrNoneOrOfNothing) {
  const auto routing = make_routing({torch::tensor({{2, 0}, {0, 1}}, torch::kInt64), torch::ones({2, 2}), {}, {}},
                                    input_of(torch::zeros({2, 4})), 3);
  EXPECT_TRUE(torch::equal(with_pairs(routing, torch::ones({4}, torch::kBool)).plan.expert_N, routing.plan.expert_N));
  const auto none = with_pairs(routing, torch::zeros({4}, torch::kBool));
  EXPECT_EQ(none.num_pairs(), 0);
  EXPECT_EQ(none.num_tokens(), 2);
  EXPECT_EQ(with_pairs(none, torch::zeros({0}, torch::kBool)).num_tokens(), 2);
  EXPECT_THROW(with_pairs(routing, torch::zeros({3}, torch::kBool)), ShapeError);
}

TEST(RoutingLog, CountsTokensThatCount) {
  RoutingLog log;
  const auto mask_T = torch::tensor({true, true, true, false});
  const auto expert_TK = torch::tensor({{0, 1}, {1, -1}, {-1, -1}, {0, 1}}, torch::kInt64);
  log.add("layers.0",
          make_routing({expert_TK, torch::ones({4, 2}), {}, {}}, input_of(torch::zeros({4, 1}), mask_T), 2));
  ASSERT_EQ(log.layers.size(), 1U);
  EXPECT_EQ(log.layers[0].num_tokens, 3);
  EXPECT_EQ(log.layers[0].num_unrouted, 1);
  EXPECT_TRUE(torch::equal(log.layers[0].tokens_per_expert_E, torch::tensor({1, 2}, torch::kInt64)));
  EXPECT_FALSE(log.layers[0].routing.weight_N.defined()) << "pairs are kept only when asked for";
}

TEST(RoutingLog, ObservesOnlyWhenSomebodyLooks) {
  std::vector<std::string> seen;
  RoutingLog log;
  observe(nullptr, "a", {});
  observe(&log, "b", {});
  log.on_value = [&](const std::string& name, const torch::Tensor&) { seen.push_back(name); };
  observe(&log, "c", {});
  EXPECT_EQ(seen, (std::vector<std::string>{"c"}));
}

// Whatever the choices, pairs are sorted, nobody is lost and masked tokens are nowhere.
RC_GTEST_PROP(RoutingProperty, EveryChoiceOfACountedTokenBecomesOnePair, ()) {
  const auto T = *rc::gen::inRange<int64_t>(0, 20), E = *rc::gen::inRange<int64_t>(1, 9),
             K = *rc::gen::inRange<int64_t>(1, 4);
  const auto expert_TK = torch::empty({T, K}, torch::kInt64);
  const auto mask_T = torch::empty({T}, torch::kBool);
  int64_t expected = 0;
  for (int64_t t = 0; t < T; ++t) {
    mask_T[t] = *rc::gen::arbitrary<bool>();
    for (int64_t k = 0; k < K; ++k) {
      expert_TK[t][k] = *rc::gen::inRange<int64_t>(-1, E);
      expected += mask_T[t].item<bool>() && expert_TK[t][k].item<int64_t>() >= 0 ? 1 : 0;
    }
  }
  const auto routing =
      make_routing({expert_TK, torch::ones({T, K}), {}, {}}, input_of(torch::zeros({T, 1}), mask_T), E);
  RC_ASSERT(routing.num_pairs() == expected);
  RC_ASSERT(routing.plan.tokens_per_expert_E.sum().item<int64_t>() == expected);
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t p = 0; p < expected; ++p) {
    const auto token = routing.plan.token_N[p].item<int64_t>(), choice = routing.plan.choice_N[p].item<int64_t>();
    RC_ASSERT(mask_T[token].item<bool>());
    RC_ASSERT(expert_TK[token][choice].item<int64_t>() == routing.plan.expert_N[p].item<int64_t>());
    RC_ASSERT(seen.emplace(token, choice).second);
  }
}

}  // namespace
}  // namespace heterodyne::routing_test
