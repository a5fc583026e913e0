#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::expert_choice_test {
namespace {

// Both experts take two of four tokens: expert 0 those that prefer it most, expert 1 those that do so least.
TEST(ExpertChoiceRouter, ExpertsTakeTheirBestTokens) {
  const auto router = fixtures::identity_router("expert_choice", 2, {{"capacity_factor", 1}});
  router->to(torch::kFloat64);
  const auto routing = router->route(fixtures::route_input(fixtures::four_tokens()));
  EXPECT_TRUE(torch::equal(routing.plan.token_N, torch::tensor({0, 1, 2, 3}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::tensor({0, 0, 1, 1}, torch::kInt64)));
  const auto weight_N = torch::tensor({.81757, .78583, 1 - .52498, 1 - .54983}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(routing.weight_N, weight_N, 0, 1e-5)) << routing.weight_N;
}

TEST(ExpertChoiceRouter, TokensGetFromNoneToAllExperts) {
  // Token 0 is the best of both experts that have a taste; token 2 of none.
  const auto x_TD = torch::tensor({{5.0, 5.0, 0.0}, {0.0, 0.0, 9.0}, {1.0, 1.0, 1.0}});
  const auto routing =
      fixtures::identity_router("expert_choice", 3, {{"capacity_factor", 1}})->route(fixtures::route_input(x_TD));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 1, 0}, {0, 0, 1}, {0, 0, 0}})));
}

// Of the six ways to give three tokens to three experts the best is 0.45 + 0.44 + 0.40; by themselves experts 0 and 1
// would both take token 0.
TEST(ExpertChoiceRouter, ACapMakesRoomForOtherTokens) {
  const auto prob_TE = torch::tensor({{.50, .45, .05}, {.46, .10, .44}, {.40, .30, .30}});
  const auto capped =
      fixtures::identity_router("expert_choice", 3, {{"capacity_factor", 1}, {"max_experts_per_token", 1}});
  EXPECT_EQ(capped->max_choices(), 1);
  EXPECT_TRUE(torch::equal(fixtures::sent_of(capped->route(fixtures::route_input(prob_TE.log()))),
                           torch::tensor({{0, 1, 0}, {0, 0, 1}, {1, 0, 0}})));
  const auto free = fixtures::identity_router("expert_choice", 3, {{"capacity_factor", 1}});
  EXPECT_EQ(fixtures::sent_of(free->route(fixtures::route_input(prob_TE.log()))).sum(1)[0].item<int64_t>(), 2);
}

TEST(ExpertChoiceRouter, LoadsAreEqualUnderACap) {
  for (const int64_t T : {1, 2, 7, 40}) {
    const auto router = fixtures::identity_router("expert_choice", 6, {{"max_experts_per_token", 3}});
    const auto sent_TE = fixtures::sent_of(router->route(fixtures::route_input(2 * fixtures::normal("x", {T, 6}))));
    EXPECT_LE(sent_TE.sum(1).max().item<int64_t>(), 3);
    if (T == 1) continue;
    EXPECT_EQ(sent_TE.sum(0).min().item<int64_t>(), sent_TE.sum(0).max().item<int64_t>()) << T;
  }
}

TEST(ExpertChoiceRouter, MaskedTokensTakeNoRoom) {
  const auto router = fixtures::identity_router("expert_choice", 2, {{"capacity_factor", 1}});
  auto input = fixtures::route_input(fixtures::four_tokens().to(torch::kFloat32));
  input.mask_T = torch::tensor({0, 1, 1, 0}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(fixtures::sent_of(router->route(input)), torch::tensor({{0, 0}, {1, 0}, {0, 1}, {0, 0}})));
}

TEST(ExpertChoiceRouter, ScopeSequenceChoosesInEachSequence) {
  auto input = fixtures::route_input(fixtures::four_tokens().to(torch::kFloat32));
  input.num_sequences = 2;
  input.length = 2;
  const auto router = fixtures::identity_router("expert_choice", 2, {{"capacity_factor", 1}, {"scope", "sequence"}});
  // Tokens 0 and 1: 0 prefers expert 0 more. Tokens 2 and 3: 3 does.
  EXPECT_TRUE(torch::equal(fixtures::sent_of(router->route(input)), torch::tensor({{1, 0}, {0, 1}, {0, 1}, {1, 0}})));
}

TEST(ExpertChoiceRouter, ANumberOfChoicesTurnsItIntoTopK) {
  auto input = fixtures::route_input(fixtures::four_tokens().to(torch::kFloat32));
  input.override.k = 1;
  const auto sent_TE = fixtures::sent_of(fixtures::identity_router("expert_choice", 2)->route(input));
  EXPECT_TRUE(torch::equal(sent_TE.sum(0), torch::tensor({4, 0})));
}

TEST(ExpertChoiceRouter, GradientByFiniteDifferences) {
  const auto router = fixtures::identity_router("expert_choice", 4);
  router->to(torch::kFloat64);
  const auto f = [&](const std::vector<torch::Tensor>& in) {
    return router->route(fixtures::route_input(in[0])).weight_N;
  };
  EXPECT_LT(ops::gradient_error(f, {fixtures::normal("x", {6, 4})}), 1e-8);
}

TEST(ExpertChoiceRouter, RefusesLimitsThatCannotHold) {
  const auto make = [](Table settings) {
    return [settings] { fixtures::identity_router("expert_choice", 4, settings); };
  };
  EXPECT_EQ(fixtures::message_of<ConfigError>(make({{"max_experts_per_token", 5}})),
            "[router.expert_choice] max_experts_per_token: expected at most num_experts = 4, got 5");
  EXPECT_EQ(fixtures::message_of<ConfigError>(make({{"max_experts_per_token", 1}})),
            "[router.expert_choice] max_experts_per_token: expected 0 or at least capacity_factor = 2, got 1");
  EXPECT_THROW(make({{"capacity_factor", 0}})(), ConfigError);
  EXPECT_THROW(make({{"capacity_factor", -1.5}})(), ConfigError);
}

}  // namespace
}  // namespace heterodyne::expert_choice_test
