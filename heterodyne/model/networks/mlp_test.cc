#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::mlp_test {
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

// The published flat layer on CIFAR-10: ten experts 3072 -> 128 -> 10 and two gates 3072 x 10, 4,007,780 values.
TEST(MlpNetwork, WithoutHiddenLayersItIsTheMixtureAlone) {
  const Table moe{{"experts", Array{Table{{"kind", "mlp"}, {"count", 10}, {"hidden", 128}, {"activation", "relu"}}}},
                  {"router", Table{{"kind", "top_k"}, {"k", 4}}}};
  const auto network = networks().make(Member(Table{{"kind", "mlp"}, {"hidden", Array{}}, {"moe", moe}}),
                                       NetworkContext{{3, 32, 32, 10}, 1});
  int64_t in_experts = 0;
  for (const auto& slot : network->moe_layers().at(0)->slots()) {
    for (const auto& parameter : slot.expert->parameters()) in_experts += parameter.numel();
  }
  EXPECT_EQ(in_experts, 10 * 394634);
  EXPECT_EQ(num_params(*network), in_experts + 3072 * 10);
  EXPECT_EQ(even_cost(*network).routed.macs, 4 * (3072 * 128 + 128 * 10) + 3072 * 10);
}

}  // namespace
}  // namespace heterodyne::mlp_test
