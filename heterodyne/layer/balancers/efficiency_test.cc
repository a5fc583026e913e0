#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::efficiency_test {
namespace {

torch::Tensor loss_of(const Routing& routing) {
  return balancers().make(Member(Table{{"kind", "efficiency"}}))->loss(routing);
}

Routing routing_of(const torch::Tensor& mask_T = {}) {
  const auto expert_TK = torch::tensor({{0, -1}, {0, 1}, {-1, -1}}, torch::kInt64);
  RouteInput input{torch::zeros({3, 1}), 1, 3, mask_T, {}, {}};
  return make_routing({expert_TK, torch::ones({3, 2}, torch::kFloat64), {}, {}}, input, 4);
}

TEST(Efficiency, IsTheShareOfAllPairs) {
  EXPECT_NEAR(loss_of(routing_of()).item<double>(), 3.0 / 12, 1e-12);
  const auto mask_T = torch::tensor({1, 0, 1}).to(torch::kBool);
  EXPECT_NEAR(loss_of(routing_of(mask_T)).item<double>(), 1.0 / 8, 1e-12) << "padding makes no pairs";
}

TEST(Efficiency, BelievesTheRouter) {
  auto routing = routing_of();
  routing.load_E = torch::tensor({2.0, 1.0, 0.0, 0.0}, torch::kFloat64).requires_grad_();
  const auto loss = loss_of(routing);
  EXPECT_NEAR(loss.item<double>(), 3.0 / 12, 1e-12);
  EXPECT_TRUE(
      torch::allclose(torch::autograd::grad({loss}, {routing.load_E})[0], torch::full({4}, 1.0 / 12, torch::kFloat64)));
}

}  // namespace
}  // namespace heterodyne::efficiency_test
