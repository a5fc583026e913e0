#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::random_test {
namespace {

// 20,000 tokens, two of five experts each: 8,000 expected for each, standard deviation 69.
TEST(RandomRouter, UsesAllExpertsAlike) {
  const auto router = routers().make(Member(Table{{"kind", "random"}}), fixtures::router_context(3, 5));
  const auto routing = router->route(fixtures::route_input(torch::zeros({20000, 3})));
  const auto count_E = routing.plan.tokens_per_expert_E;
  EXPECT_GT(count_E.min().item<int64_t>(), 7700);
  EXPECT_LT(count_E.max().item<int64_t>(), 8300);
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::full({40000}, 0.5)));
}

TEST(RandomRouter, DrawsAnewAtEachStepOfTraining) {
  const auto router = routers().make(Member(Table{{"kind", "random"}}), fixtures::router_context(3, 5));
  auto input = fixtures::route_input(torch::zeros({100, 3}));
  const auto first = router->route(input).plan.token_N;
  input.random.step += 1;
  EXPECT_FALSE(torch::equal(first, router->route(input).plan.token_N));
}

TEST(RandomRouter, ATextThatIsContinuedIsRoutedAsInOnePiece) {
  const auto router = routers().make(Member(Table{{"kind", "random"}}), fixtures::router_context(3, 5));
  const auto whole_TE = fixtures::sent_of(router->route(fixtures::route_input(torch::zeros({20, 3}))));
  auto rest = fixtures::route_input(torch::zeros({12, 3}));
  rest.first_position = 8;
  EXPECT_TRUE(torch::equal(fixtures::sent_of(router->route(rest)), whole_TE.narrow(0, 8, 12)));
}

}  // namespace
}  // namespace heterodyne::random_test
