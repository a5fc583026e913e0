#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::base_test {
namespace {

const auto kScores = torch::tensor({{5.0, 0.0}, {3.0, 2.0}});

// Both tokens want expert 0; together 5 + 2 is more than 0 + 3.
TEST(BaseRouter, TrainingAssignsEquallyManyTokens) {
  const auto routing = fixtures::identity_router("base", 2)->route(fixtures::route_input(kScores));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::eye(2, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({5.0, 2.0}).sigmoid()));
}

TEST(BaseRouter, EvalSendsEachTokenToItsBestExpert) {
  const auto router = fixtures::identity_router("base", 2);
  router->eval();
  const auto routing = router->route(fixtures::route_input(kScores));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::zeros({2}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(routing.weight_N, torch::tensor({5.0, 3.0}).sigmoid()));
}

TEST(BaseRouter, LoadsOfCountedTokensDifferByAtMostOne) {
  auto input = fixtures::route_input(fixtures::normal("x", {50, 4}) + torch::arange(4));
  input.mask_T = torch::arange(50) % 7 != 3;  // 43 count
  const auto count_E = fixtures::identity_router("base", 4)->route(input).plan.tokens_per_expert_E;
  EXPECT_EQ(count_E.sum().item<int64_t>(), 43);
  EXPECT_EQ(count_E.min().item<int64_t>(), 10);
  EXPECT_EQ(count_E.max().item<int64_t>(), 11);
}

TEST(BaseRouter, GatesStartOrthogonalWithGainOneTenth) {
  for (const int64_t width : {16, 4}) {
    const auto router = routers().make(Member(Table{{"kind", "base"}}), fixtures::router_context(width, 6));
    const auto gate_ED = router->named_parameters()["gate.weight"].detach();
    const auto product = width > 6 ? gate_ED.mm(gate_ED.t()) : gate_ED.t().mm(gate_ED);
    EXPECT_TRUE(torch::allclose(product, 0.01 * torch::eye(product.size(0)), 0, 1e-8)) << product;
  }
}

}  // namespace
}  // namespace heterodyne::base_test
