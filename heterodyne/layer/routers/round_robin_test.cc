#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::round_robin_test {
namespace {

TEST(RoundRobinRouter, TakesTheExpertsInTurn) {
  const auto router = routers().make(Member(Table{{"kind", "round_robin"}}), fixtures::router_context(2, 3));
  const auto routing = router->route(fixtures::route_input(torch::zeros({3, 2})));
  // Token 0: experts 0, 1; token 1: 2, 0; token 2: 1, 2.
  EXPECT_TRUE(torch::equal(routing.plan.token_N, torch::tensor({0, 1, 0, 2, 1, 2}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(routing.plan.expert_N, torch::tensor({0, 0, 1, 1, 2, 2}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::full({6}, 0.5)));
}

TEST(RoundRobinRouter, ATextThatIsContinuedIsRoutedAsInOnePiece) {
  const auto router = routers().make(Member(Table{{"kind", "round_robin"}, {"k", 1}}), fixtures::router_context(2, 3));
  auto input = fixtures::route_input(torch::zeros({4, 2}));
  input.num_sequences = 2;
  input.length = 2;
  // Sequence 0: experts 0, 1; sequence 1: 1, 2.
  const auto expert_of = [&] { return fixtures::sent_of(router->route(input)).argmax(1); };
  EXPECT_TRUE(torch::equal(expert_of(), torch::tensor({0, 1, 1, 2}, torch::kInt64)));
  input.first_position = 2;
  EXPECT_TRUE(torch::equal(expert_of(), torch::tensor({2, 0, 0, 1}, torch::kInt64)));
}

}  // namespace
}  // namespace heterodyne::round_robin_test
