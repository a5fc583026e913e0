#include <gtest/gtest.h>

#include <map>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::resnet_test {
namespace {

const DataShape kCifar{.channels = 3, .height = 32, .width = 32, .num_classes = 10};

std::shared_ptr<Network> resnet(Table settings, const DataShape& data = kCifar) {
  settings.set("kind", "resnet");
  return networks().make(Member(settings), NetworkContext{data, 1});
}

// He et al. 2016, table 6: ResNet-20 has 0.27 M parameters. By hand: convolutions 432 + 6 x 2304 + 4608 + 5 x 9216 +
// 18432 + 5 x 36864, normalisations 2 x (7 x 16 + 6 x 32 + 6 x 64), classifier 650.
TEST(ResNet, TwentyLayersHaveThePublishedSize) {
  const auto network = resnet({{"blocks", Array{3, 3, 3}}});
  EXPECT_EQ(num_params(*network), 432 + 6 * 2304 + 4608 + 5 * 9216 + 18432 + 5 * 36864 + 2 * (112 + 192 + 384) + 650);
  EXPECT_NEAR(static_cast<double>(num_params(*network)), 0.27e6, 0.005e6);
}

TEST(ResNet, TheSmallOneTakesTwelveMillionMultiplyAdds) {
  const double stages = 1024 * 2 * 2304 + 256 * (4608 + 9216) + 64 * (18432 + 36864);
  EXPECT_EQ(even_cost(*resnet({})).executed.macs, 1024 * 432 + stages + 640);
  EXPECT_LE(even_cost(*resnet({})).executed.macs, 15e6);
}

// Convolutions of zeros leave the shortcuts: every second place, channels of zeros around.
TEST(ResNet, ShortcutsTakeEverySecondPlaceAndAddChannelsOfZeros) {
  const DataShape data{.channels = 1, .height = 4, .width = 4, .num_classes = 4};
  const auto network = resnet({{"blocks", Array{1, 1}}, {"channels", 2}}, data);
  network->eval();
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : network->named_parameters()) {
    if (parameter.key().find("conv") != std::string::npos) parameter.value().zero_();
  }
  auto parameters = network->named_parameters();
  auto& stem = parameters["features.conv0.weight"];
  for (const int64_t c : {0, 1}) stem[c][0][1][1] = static_cast<double>(c + 1);  // x and 2 x
  parameters["head.weight"].copy_(torch::eye(4));
  parameters["head.bias"].zero_();
  const auto x = torch::arange(16).to(torch::kFloat32).view({1, 1, 4, 4});
  const auto logit = network->forward({x, {}, {}, {}, {}}, nullptr).logit_BY;
  // Places 0, 2, 8 and 10 have mean 5; normalisation by averages 0 and 1 divides by sqrt(1 + 1e-5).
  EXPECT_TRUE(torch::allclose(logit, torch::tensor({{0.0, 5.0, 10.0, 0.0}}, torch::kFloat32), 1e-4, 1e-4)) << logit;
}

// Gradients in another layout are copied by every convolution before.
TEST(ResNet, GradientsKeepTheChannelsLastThroughShortcuts) {
  const auto network = resnet({{"blocks", Array{1, 1, 1}}});
  RoutingLog log;
  std::map<std::string, bool> is_channels_last;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    value.register_hook([&is_channels_last, name](const torch::Tensor& gradient) {
      is_channels_last[name] = gradient.is_contiguous(at::MemoryFormat::ChannelsLast);
    });
  };
  network->forward({fixtures::normal("x", {2, 3, 32, 32}), {}, {}, {}, {}}, &log).logit_BY.sum().backward();
  // What goes into a shortcut that takes every second place and adds channels.
  EXPECT_TRUE(is_channels_last.at("features.stage1.block1"));
  EXPECT_TRUE(is_channels_last.at("features.stage2.block1"));
}

TEST(ResNet, AMixtureOnTheMapHasATokenForEachPlace) {
  const Table moe{{"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}}}}};
  const auto network = resnet({{"moe", moe}, {"moe_place", "map"}});
  EXPECT_EQ(network->tokens_per_example(), 64);
  EXPECT_EQ(network->token_grid().rows, 8);
  RoutingLog log;
  const auto output = network->forward({fixtures::normal("x", {2, 3, 32, 32}), {}, {}, {}, {3, 5}}, &log);
  EXPECT_EQ(output.logit_BY.sizes(), (std::vector<int64_t>{2, 10}));
  EXPECT_EQ(log.layers.at(0).num_tokens, 2 * 64);
  const auto head = resnet({{"moe", moe}, {"feature_width", 16}});
  EXPECT_EQ(head->tokens_per_example(), 1);
  EXPECT_EQ(head->moe_layers().at(0)->slots()[0].expert->named_parameters()["up.weight"].size(1), 16);
}

}  // namespace
}  // namespace heterodyne::resnet_test
