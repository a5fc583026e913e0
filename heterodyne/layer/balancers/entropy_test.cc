#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::entropy_test {
namespace {

// ln 2 and 0; and of (.25, .75) it is .25 ln 4 + .75 ln(4 / 3) = .562335.
TEST(Entropy, AHandWorkedValue) {
  const auto prob_TE = torch::tensor({{.5, .5}, {1.0, 0.0}, {.25, .75}}, torch::kFloat64);
  const RouteInput input{prob_TE, 1, 3, {}, {}, {true, false}};
  const auto routing = make_routing({torch::zeros({3, 1}, torch::kInt64), torch::ones({3, 1}), prob_TE, {}}, input, 2);
  const auto loss = balancers().make(Member(Table{{"kind", "entropy"}}))->loss(routing);
  EXPECT_NEAR(loss.item<double>(), (0.693147 + 0 + 0.562335) / 3, 1e-6);
}

}  // namespace
}  // namespace heterodyne::entropy_test
