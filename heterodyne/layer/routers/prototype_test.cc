#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::prototype_test {
namespace {

// Prototypes along (1, 0), (0, 1) and (-1, 0), the tokens' mean at the origin.
std::shared_ptr<Router> make(Table settings = {}) {
  settings.set("kind", "prototype");
  auto router = routers().make(Member(settings), fixtures::router_context(2, 3));
  router->named_buffers()["prototype"].copy_(torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {-1.0, 0.0}}));
  return router;
}

// One step of training on these tokens.
void step(Router& router, const torch::Tensor& x_TD) {
  const auto routing = router.route(fixtures::route_input(x_TD));
  auto sums = routing.sums;
  sums["assignments_E"] = routing.plan.tokens_per_expert_E.to(torch::kFloat64);
  sums["tokens"] = torch::tensor(static_cast<double>(routing.num_counted_tokens()), torch::kFloat64);
  router.after_step(sums);
}

void expect_near(const torch::Tensor& got, const torch::Tensor& expected) {
  EXPECT_TRUE(torch::allclose(got.to(torch::kFloat64), expected.to(torch::kFloat64), 1e-5, 1e-6)) << got;
}

TEST(PrototypeRouter, LogitsAreCosinesFromTheMeanDividedByTheTemperature) {
  const auto router = make({{"temperature", 0.5}});
  router->named_buffers()["mean"].copy_(torch::tensor({1.0, 1.0}));
  const auto routing = router->route(fixtures::route_input(torch::tensor({{4.0, 5.0}, {1.0, 1.0}})));
  expect_near(routing.logit_TE, torch::tensor({{1.2, 1.6, -1.2}, {0.0, 0.0, 0.0}}));
}

TEST(PrototypeRouter, TheBiasSelectsAndDoesNotWeigh) {
  const auto router = make({{"k", 1}, {"weights", "score"}, {"temperature", 1}});
  router->selection_bias()[1] = 2;
  const auto routing = router->route(fixtures::route_input(torch::tensor({{1.0, 0.0}})));
  // exp 0 of exp 1 + exp 0 + exp -1
  expect_near(fixtures::weights_of(routing), torch::tensor({{0.0, 1 / (std::exp(1.0) + 1 + std::exp(-1.0)), 0.0}}));
}

// Tokens (3, 4) and (4, 3) are nearest to (0, 1) and (1, 0); nobody is nearest to (-1, 0). The first step takes the
// means as they are; in the second, (5, 0) comes a half into the prototype (0.8, 0.6).
TEST(PrototypeRouter, PrototypesFollowTheTokensTheyTakeFirst) {
  const auto router = make({{"k", 1}, {"rate", 0.1}, {"bias_rate", 0}});
  step(*router, torch::tensor({{3.0, 4.0}, {4.0, 3.0}}));
  auto prototype_ED = router->named_buffers()["prototype"];
  expect_near(prototype_ED, torch::tensor({{0.8, 0.6}, {0.6, 0.8}, {-1.0, 0.0}}));
  expect_near(router->named_buffers()["mean"], torch::tensor({3.5, 3.5}));
  router->named_buffers()["mean"].zero_();
  step(*router, torch::tensor({{5.0, 0.0}}));
  const double length = std::hypot(0.9, 0.3);
  expect_near(prototype_ED, torch::tensor({{0.9 / length, 0.3 / length}, {0.6, 0.8}, {-1.0, 0.0}}));
  expect_near(router->named_buffers()["mean"], torch::tensor({2.5, 0.0}));
  expect_near(router->named_buffers()["steps"], torch::tensor({2.0, 1.0, 0.0}));
}

// (3, 4) and (4, 3) once more, each of which chooses the other's prototype second: (0.8, 0.6) + (0.6, 0.8) / 2.
TEST(PrototypeRouter, LaterChoicesPullAtTheirPrototypesByTheirShare) {
  const auto router = make({{"k", 2}, {"later_share", 0.5}, {"bias_rate", 0}});
  step(*router, torch::tensor({{3.0, 4.0}, {4.0, 3.0}}));
  const double length = std::hypot(1.1, 1.0);
  expect_near(router->named_buffers()["prototype"],
              torch::tensor({{1.1 / length, 1.0 / length}, {1.0 / length, 1.1 / length}, {-1.0, 0.0}}));
  const auto only_first = make({{"k", 2}, {"later_share", 0}, {"bias_rate", 0}});
  step(*only_first, torch::tensor({{3.0, 4.0}, {4.0, 3.0}}));
  expect_near(only_first->named_buffers()["prototype"], torch::tensor({{0.8, 0.6}, {0.6, 0.8}, {-1.0, 0.0}}));
}

// Loads 3, 0, 0 have the mean 1: the first is over by 2, which counts as 1.
TEST(PrototypeRouter, BiasesEvenTheLoads) {
  const auto router = make({{"k", 1}, {"bias_rate", 0.25}});
  step(*router, torch::tensor({{2.0, 0.1}, {3.0, 0.1}, {1.0, 0.0}}));
  expect_near(router->selection_bias(), torch::tensor({-0.25, 0.25, 0.25}));
}

TEST(PrototypeRouter, InEvalModeNothingIsSummedUp) {
  const auto router = make();
  router->eval();
  EXPECT_EQ(router->route(fixtures::route_input(torch::ones({4, 2}))).sums.count("prototype_ED"), 0U);
  router->after_step({{"assignments_E", torch::ones({3}, torch::kFloat64)}});
  EXPECT_EQ(router->selection_bias().abs().max().item<double>(), 0);
}

// Four clouds of 100 tokens around a common offset, four experts: after some steps each cloud has an expert of its own,
// although no label was seen.
TEST(PrototypeRouter, ExpertsSpecialiseOnWhatLiesApart) {
  constexpr int64_t kClouds = 4, kWidth = 16, kTokens = 100;
  auto router =
      routers().make(Member(Table{{"kind", "prototype"}, {"k", 1}}), fixtures::router_context(kWidth, kClouds));
  const auto center_CD = fixtures::normal("centers", {kClouds, kWidth}) * 2 + 5;
  const auto cloud_T = torch::arange(kClouds).repeat_interleave(kTokens);
  for (int i = 0; i < 300; ++i) {
    step(*router, center_CD.index_select(0, cloud_T) + RandomStream("cloud").normal({1, uint64_t(i)}, {400, kWidth}));
  }
  router->eval();
  const auto sent_TE = fixtures::sent_of(
      router->route(fixtures::route_input(center_CD.index_select(0, cloud_T) + fixtures::normal("x", {400, kWidth}))));
  const auto sent_CE = sent_TE.view({kClouds, kTokens, kClouds}).sum(1);
  EXPECT_GE(std::get<0>(sent_CE.max(0)).min().item<int64_t>(), 95) << sent_CE;
  EXPECT_GE(std::get<0>(sent_CE.max(1)).min().item<int64_t>(), 95) << sent_CE;
}

}  // namespace
}  // namespace heterodyne::prototype_test
