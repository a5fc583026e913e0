#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::load_test {
namespace {

Routing routing_of() {
  // Experts (0, 0, 0, 0, 1, 1, 2, 3), whatever the weights.
  const auto expert_TK = torch::tensor({{0, 1}, {0, 2}, {0, 3}, {0, 1}}, torch::kInt64);
  const auto weight_TK = torch::tensor({{.9, .1}, {.2, .8}, {.5, .5}, {.4, .6}}, torch::kFloat64);
  return make_routing({expert_TK, weight_TK, {}, {}}, {torch::zeros({4, 1}), 1, 4, {}, {}, {}}, 4);
}

double loss_of(const Routing& routing, const char* variance) {
  return balancers().make(Member(Table{{"kind", "load"}, {"variance", variance}}))->loss(routing).item<double>();
}

TEST(Load, CountsWhereTheRouterExpectsNothing) {
  EXPECT_NEAR(loss_of(routing_of(), "population"), 0.375, 1e-9);
  EXPECT_NEAR(loss_of(routing_of(), "sample"), 0.5, 1e-9);
}

// Loads (3, 1): mean 2, squared deviations 1 and 1.
TEST(Load, BelievesTheRouter) {
  auto routing = routing_of();
  routing.load_E = torch::tensor({3.0, 1.0}, torch::kFloat64);
  EXPECT_NEAR(loss_of(routing, "population"), 0.25, 1e-9);
  EXPECT_NEAR(loss_of(routing, "sample"), 0.5, 1e-9);
}

}  // namespace
}  // namespace heterodyne::load_test
