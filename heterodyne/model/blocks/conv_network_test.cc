#include "heterodyne/model/blocks/conv_network.h"

#include <gtest/gtest.h>

namespace heterodyne::conv_network_test {
namespace {

// No convolutions: a map of 3 channels and 2 x 2 places for 5 classes, which took 100 multiply-adds.
class OnlyHead : public ConvNetwork {
 public:
  explicit OnlyHead(Table settings) {
    add_head(read_options<ImageHeadOptions>(settings, {"model", "model"}), {3, 2, 2, 5}, 100, Init{1, ""});
  }
  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    return head().forward(batch.inputs, batch, log);
  }
};

TEST(ConvNetwork, WithoutAMixtureCostsItsConvolutionsAndItsHead) {
  OnlyHead network({});
  EXPECT_TRUE(network.moe_layers().empty());
  EXPECT_EQ(network.tokens_per_example(), 1);
  EXPECT_EQ(network.token_grid().rows, 0);
  const CostPair cost = network.cost({});
  EXPECT_EQ(cost.routed.macs, 100 + 3 * 5);
  EXPECT_EQ(cost.executed.macs, 100 + 3 * 5);
  EXPECT_EQ(cost.routed.params, 3 * 5 + 5);
}

TEST(ConvNetwork, AMixtureOnTheMapAddsWhatItsTokensCost) {
  const Table experts{{"kind", "mlp"}, {"hidden", 4}, {"count", 2}};
  OnlyHead network({{"moe", Table{{"router", Table{{"kind", "top_k"}, {"k", 1}}}, {"experts", Array{experts}}}},
                    {"moe_place", "map"}});
  ASSERT_EQ(network.moe_layers().size(), 1U);
  EXPECT_EQ(network.tokens_per_example(), 4);
  EXPECT_EQ(network.token_grid().columns, 2);
  // The router asks 2 experts about each of 4 tokens of width 3; an expert takes 3 x 4 and 4 x 3 for a token.
  EXPECT_EQ(network.cost({{1, 3}}).routed.macs, 100 + 3 * 5 + 4 * 3 * 2 + 4 * (3 * 4 + 4 * 3));
}

}  // namespace
}  // namespace heterodyne::conv_network_test
