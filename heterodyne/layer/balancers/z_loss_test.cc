#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::z_loss_test {
namespace {

// log-sum-exp 2.241311 and 1.301943; their mean square is 3.359266.
TEST(ZLoss, AHandWorkedValue) {
  const auto logit_TE = torch::tensor({{2.0, 0.5, -1.0}, {0.1, 0.2, 0.3}}, torch::kFloat64);
  const RouteInput input{logit_TE, 1, 2, {}, {}, {false, true}};
  const auto routing = make_routing({torch::zeros({2, 1}, torch::kInt64), torch::ones({2, 1}), {}, logit_TE}, input, 3);
  EXPECT_NEAR(balancers().make(Member(Table{{"kind", "z_loss"}}))->loss(routing).item<double>(), 3.359266, 5e-7);
}

}  // namespace
}  // namespace heterodyne::z_loss_test
