#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne {
namespace {

TEST(MlpNetwork, HasAsManyLayersAsWidths) {
  const auto network =
      networks().make(Member(Table{{"kind", "mlp"}, {"hidden", Array{20, 10}}}), NetworkContext{{1, 4, 4, 3}, 1});
  EXPECT_EQ(num_params(*network), 16 * 20 + 20 + 20 * 10 + 10 + 10 * 3 + 3);
  EXPECT_EQ(even_cost(*network).routed.macs, 16 * 20 + 20 * 10 + 10 * 3);
}

TEST(MlpNetwork, AppliesItsActivationBetweenLayersOnly) {
  const auto network = networks().make(Member(Table{{"kind", "mlp"}, {"hidden", 1}}), NetworkContext{{1, 1, 1, 1}, 1});
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.fill_(-1);
  // x = -3: hidden = relu(3 - 1) = 2; head = -2 - 1.
  EXPECT_EQ(network->forward({torch::full({1, 1, 1, 1}, -3.0), {}, {}, {}, {}}, nullptr).logit_BY.item<float>(), -3.0F);
}

}  // namespace
}  // namespace heterodyne
