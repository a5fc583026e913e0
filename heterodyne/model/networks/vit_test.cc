#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::vit_test {
namespace {

std::shared_ptr<Network> network_of(Table settings, DataShape shape = {3, 32, 32, 10}) {
  settings.set("kind", "vit");
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

Table with_moe(Table settings = {}, const char* router = "top_any") {
  const Array experts{Table{{"kind", "mlp"}, {"hidden", 384}, {"count", 2}}};
  settings.set("moe", Table{{"layers", Array{0, 2}}, {"router", Table{{"kind", router}}}, {"experts", experts}});
  return settings;
}

Batch images(int64_t B) {
  return {fixtures::normal("images", {B, 3, 32, 32}), torch::zeros({B}, torch::kInt64), {}, {}, {3, 5}};
}

// Stem 3 x 64 x 96 + 96, positions 16 x 96; a block: two norms, attention 4 x (96 x 96 + 96), feed-forward part
// 2 x 96 x 384 + 384 + 96; a norm and a head of 96 x 10 + 10.
TEST(VitNetwork, CountsItsParameters) {
  constexpr int64_t kFeedForward = 2 * 96 * 384 + 384 + 96, kNorm = 2 * 96, kAttention = 4 * (96 * 96 + 96);
  constexpr int64_t kRest = 3 * 64 * 96 + 96 + 16 * 96 + kNorm + 970;
  EXPECT_EQ(num_params(*network_of({})), kRest + 4 * (2 * kNorm + kAttention + kFeedForward));
  EXPECT_EQ(num_params(*network_of({{"pool", "cls"}})), kRest + 4 * (2 * kNorm + kAttention + kFeedForward) + 2 * 96);
  // Two more experts and two gates of 2 x 96 directions and 2 thresholds.
  EXPECT_EQ(num_params(*network_of(with_moe())),
            kRest + 4 * (2 * kNorm + kAttention + kFeedForward) + 2 * (kFeedForward + 2 * 96 + 2));
}

// 16 tokens: stem 192 x 96 each; a block 4 x 96^2 for projections, 2 x 16 x 96 for the attention, 2 x 96 x 384.
TEST(VitNetwork, CountsItsWork) {
  const double block = 4.0 * 96 * 96 + 2.0 * 16 * 96 + 2.0 * 96 * 384;
  EXPECT_DOUBLE_EQ(even_cost(*network_of({})).executed.macs, 16 * (192.0 * 96 + 4 * block));
}

TEST(VitNetwork, MixesExpertsWhereItIsTold) {
  const auto network = network_of(with_moe());
  const auto layers = network->moe_layers();
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0]->layer_name(), "layers.0");
  EXPECT_EQ(layers[1]->layer_name(), "layers.2");
  EXPECT_EQ(network->forward(images(2), nullptr).logit_BY.size(1), 10);
}

// Tokens without positions and without a class token are a set: their mean does not depend on the order of patches.
TEST(VitNetwork, PositionsTellPatchesApart) {
  const auto network = network_of({});
  const auto batch = images(2);
  Batch turned = batch;
  turned.inputs = batch.inputs.roll({8}, {3});  // by one patch
  const auto differ = [&] {
    const auto a = network->forward(batch, nullptr).logit_BY, b = network->forward(turned, nullptr).logit_BY;
    return (a - b).abs().max().item<double>();
  };
  EXPECT_GT(differ(), 1e-3);
  const torch::NoGradGuard no_grad;
  network->named_parameters()["positions"].zero_();
  EXPECT_LT(differ(), 1e-5);
}

TEST(VitNetwork, TheClassTokenIsATokenOfItsOwn) {
  const auto mean = network_of({}), cls = network_of({{"pool", "cls"}});
  EXPECT_EQ(mean->tokens_per_example(), 16);
  EXPECT_EQ(mean->token_grid().columns, 4);
  EXPECT_EQ(cls->tokens_per_example(), 17);
  EXPECT_EQ(cls->token_grid().rows, 0);
  EXPECT_TRUE(torch::isfinite(cls->forward(images(2), nullptr).logit_BY).all().item<bool>());
}

std::string message_of(const Table& settings) {
  return fixtures::message_of<ConfigError>([&] { network_of(settings); });
}

TEST(VitNetwork, RefusesWhatCannotBe) {
  EXPECT_EQ(message_of({{"patch", 5}}), "[network.vit] patch: expected a divisor of the image's 32 x 32 pixels, got 5");
  EXPECT_EQ(message_of(with_moe({{"layers", 2}})),
            "[network.vit] moe.layers: expected indices below layers = 2, got 2");
  EXPECT_EQ(message_of({{"moe", Table{{"balancers", Array{Table{{"kind", "switch_loss"}}}}}}}),
            "[network.vit] moe.balancers: has no effect while moe.experts = []; remove one of the two");
}

}  // namespace
}  // namespace heterodyne::vit_test
