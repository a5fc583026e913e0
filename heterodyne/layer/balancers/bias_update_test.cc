#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::bias_update_test {
namespace {

torch::Tensor bias_after(const char* rule, std::vector<double> assignments) {
  fixtures::BiasedRouter router(torch::tensor({0.5, 0.0, -0.5}));
  const auto balancer = balancers().make(Member(Table{{"kind", "bias_update"}, {"rate", 0.01}, {"rule", rule}}));
  balancer->after_step(router, {{"assignments_E", torch::tensor(assignments, torch::kFloat64)}});
  return router.selection_bias();
}

TEST(BiasUpdate, RaisesTheIdleAndLowersTheBusy) {
  EXPECT_TRUE(torch::allclose(bias_after("sign", {8, 4, 0}), torch::tensor({0.49, 0.0, -0.49})));
  EXPECT_TRUE(torch::allclose(bias_after("proportional", {7, 4, 1}), torch::tensor({0.4925, 0.0, -0.4925})));
}

TEST(BiasUpdate, AStepWithoutAssignmentsChangesNothing) {
  for (const char* rule : {"sign", "proportional"}) {
    EXPECT_TRUE(torch::equal(bias_after(rule, {0, 0, 0}), torch::tensor({0.5, 0.0, -0.5})));
  }
}

TEST(BiasUpdate, ARouterWithoutABiasIsRefused) {
  fixtures::BiasedRouter router({});
  const auto balancer = balancers().make(Member(Table{{"kind", "bias_update"}}));
  EXPECT_THROW(balancer->after_step(router, {{"assignments_E", torch::ones({3}, torch::kFloat64)}}), Error);
}

}  // namespace
}  // namespace heterodyne::bias_update_test
