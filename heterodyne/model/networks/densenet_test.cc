#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::densenet_test {
namespace {

const DataShape kCifar{.channels = 3, .height = 32, .width = 32, .num_classes = 10};

std::shared_ptr<Network> densenet(Table settings, const DataShape& data = kCifar) {
  settings.set("kind", "densenet");
  return networks().make(Member(settings), NetworkContext{data, 1});
}

Table densenet121() {
  return {{"growth", 32}, {"blocks", Array{6, 12, 24, 16}}, {"initial_channels", 64}, {"pool", true}};
}

// DenseNet-121 for 32 x 32: 6,956,426 parameters and 0.2234 G multiply-adds, of which 10,240 in the classifier.
TEST(DenseNet, HasThePublishedSize) {
  const auto network = densenet(densenet121());
  EXPECT_EQ(num_params(*network), 6956426);
  EXPECT_EQ(even_cost(*network).executed.macs, 223412224 + 10240);
}

// With the mixture: 9,881,326 parameters; 0.2263 G multiply-adds with all ten experts, 0.2242 with two.
TEST(DenseNet, WithTheMixtureHasThePublishedSize) {
  auto settings = densenet121();
  settings.set("feature_width", 256);
  settings.set("moe", Table{{"router", Table{{"kind", "top_k"}, {"k", 2}, {"bias", true}}},
                            {"experts", Array{Table{{"kind", "norm_mlp"}, {"count", 10}, {"dropout", 0.3}}}}});
  const auto network = densenet(settings);
  EXPECT_EQ(num_params(*network), 9881326);
  const double around = 223412224 + 1024 * 256 + 2560;
  EXPECT_NEAR(even_cost(*network).executed.macs, around + 2 * 264704, 1);
  settings.find("moe")->if_table()->set("dispatcher", Table{{"kind", "dense"}});
  EXPECT_EQ(even_cost(*densenet(settings)).executed.macs, around + 10 * 264704);
}

// 8 x 8 images, one layer of growth 2 in each of two blocks: 3 -> 4 channels, pooled to 4 x 4, -> 6, transition to 3
// and 2 x 2, -> 5.
TEST(DenseNet, ASmallOneIsCountedByHand) {
  const auto network = densenet({{"growth", 2}, {"blocks", Array{1, 1}}, {"initial_channels", 4}, {"bottleneck", 3}},
                                {.channels = 3, .height = 8, .width = 8, .num_classes = 5});
  const double convolutions = 64 * 4 * 3 * 9 + 16 * (4 * 6 + 6 * 2 * 9) + 16 * 6 * 3 + 4 * (3 * 6 + 6 * 2 * 9);
  EXPECT_EQ(even_cost(*network).routed.macs, convolutions + 5 * 5);
  const int64_t norms = 2 * (4 + 4 + 6 + 6 + 3 + 6 + 5);
  EXPECT_EQ(num_params(*network), 108 + (24 + 108) + 18 + (18 + 108) + norms + 5 * 5 + 5);
  EXPECT_EQ(network->forward({torch::zeros({2, 3, 8, 8}), {}, {}, {}, {}}, nullptr).logit_BY.size(1), 5);
}

// Averages of the normalisations are part of its state, so checkpoints hold them.
TEST(DenseNet, ItsAveragesAreBuffers) {
  const auto network = densenet({{"blocks", Array{1}}}, {.channels = 1, .height = 4, .width = 4, .num_classes = 2});
  const auto before = network->named_buffers()["features.norm0.running_mean"].clone();
  network->train();
  network->forward({fixtures::normal("x", {3, 1, 4, 4}), {}, {}, {}, {}}, nullptr);
  EXPECT_FALSE(torch::equal(network->named_buffers()["features.norm0.running_mean"], before));
  EXPECT_EQ(network->named_buffers().size(), 8U) << "two of each of four";
}

TEST(DenseNet, RefusesMoreBlocksThanTheImageCanBear) {
  EXPECT_THROW(densenet({{"blocks", Array{1, 1, 1, 1, 1}}}, {.channels = 1, .height = 8, .width = 8, .num_classes = 2}),
               ConfigError);
}

}  // namespace
}  // namespace heterodyne::densenet_test
