#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::dmmoe_test {
namespace {

// The published configurations for CIFAR-10.
Table mlp() { return {{"kind", "mlp"}, {"hidden", 256}}; }
Table vit() { return {{"kind", "vit_block"}, {"heads", 4}, {"hidden", 256}, {"dropout", 0.1}}; }

std::shared_ptr<Network> network_of(Table settings, DataShape shape = {3, 32, 32, 10}) {
  settings.set("kind", "dmmoe");
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

std::shared_ptr<Network> dmmoe() {
  return network_of(
      {{"moe", Table{{"experts", Array{mlp(), Table{{"kind", "conv1d"}}, vit(), Table{{"kind", "lstm_cell"}}}}}}});
}

std::shared_ptr<Network> homogeneous() {
  auto experts = mlp();
  experts.set("count", 4);
  return network_of({{"moe", Table{{"experts", Array{experts}}}}});
}

std::shared_ptr<Network> dense_vit() { return network_of({{"layers", 2}, {"moe", Table{{"layers", Array{}}}}}); }

std::string message_of(const Table& settings) {
  return fixtures::message_of<ConfigError>([&] { network_of(settings); });
}

TEST(DmmoeNetwork, HasThePublishedNumbersOfParameters) {
  EXPECT_EQ(num_params(*dmmoe()), 357611);
  EXPECT_EQ(num_params(*homogeneous()), 290442);
  EXPECT_EQ(num_params(*dense_vit()), 291210);
}

// Published expert use on the test set, epoch 50: assignments of 10,000 images.
TEST(DmmoeNetwork, CostsWhatThePublishedUseCosts) {
  const std::vector<double> per_image = {10.3993, 5.1438, 10.3602, 6.0967};
  const auto network = dmmoe();
  const double gate = 16 * 512;
  const auto cost = network->cost({per_image});
  EXPECT_NEAR((cost.routed.macs - gate) / 1e6, 3.48, 0.005);
  EXPECT_NEAR((cost.executed.macs - gate) / 1e6, 3.67, 0.005);
}

TEST(DmmoeNetwork, BaselinesCostWhatIsPublished) {
  EXPECT_NEAR(even_cost(*dense_vit()).executed.macs / 1e6, 4.72, 0.005);
  EXPECT_NEAR((even_cost(*homogeneous()).executed.macs - 16 * 512) / 1e6, 2.49, 0.005);
  EXPECT_EQ(even_cost(*homogeneous()).routed.macs, even_cost(*homogeneous()).executed.macs);
}

// The residual stands around the layer: without it the tokens would vanish where every expert answers zero.
TEST(DmmoeNetwork, AddsTheLayerToItsInput) {
  const auto network = network_of(
      {{"width", 16}, {"dropout", 0}, {"moe", Table{{"experts", Array{Table{{"kind", "mlp"}, {"count", 2}}}}}}});
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->named_parameters()) {
      if (parameter.key().find("down") != std::string::npos) parameter->zero_();
    }
  }
  std::map<std::string, torch::Tensor> values;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) { values[name] = value; };
  network->forward({fixtures::normal("images", {2, 3, 32, 32}), {}, {}, {}, {1, 1}}, &log);
  EXPECT_TRUE(torch::equal(values.at("layers.0"), values.at("stem")));
}

// Two small experts of three slots each, alone.
Table soft_settings() {
  return {{"width", 16},
          {"dropout", 0},
          {"moe", Table{{"layers", Array{}}}},
          {"soft_moe", Table{{"layers", Array{0}},
                             {"slots_per_expert", 3},
                             {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 2}}}}}}};
}

// Stem 3 x 64 x 16 + 16, slots 16 x 6 and their scale, experts 2 x (16 x 8 + 8 + 8 x 16 + 16), norm 32, head 16 x 10
// + 10. Sixteen tokens: patches 16 x 3,072, mixing 16 x 6 x (2 x 16 + 16), six slots of 256.
TEST(DmmoeNetwork, ALayerMayBeASoftMixture) {
  const auto network = network_of(soft_settings());
  EXPECT_EQ(num_params(*network), 3088 + 97 + 560 + 32 + 170);
  EXPECT_EQ(even_cost(*network).executed.macs, 49152 + 4608 + 1536);
  EXPECT_TRUE(network->moe_layers().empty());
  const auto output = network->forward({fixtures::normal("images", {2, 3, 32, 32}), {}, {}, {}, {1, 1}}, nullptr);
  output.logit_BY.square().sum().backward();
  EXPECT_GT(network->named_parameters()["layers.0.slots"].grad().abs().sum().item<double>(), 0);
}

TEST(DmmoeNetwork, ASoftMixtureHasAResidualAroundIt) {
  const auto network = network_of(soft_settings());
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->named_parameters()) {
      if (parameter.key().find("down") != std::string::npos) parameter->zero_();
    }
  }
  std::map<std::string, torch::Tensor> values;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) { values[name] = value; };
  network->forward({fixtures::normal("images", {2, 3, 32, 32}), {}, {}, {}, {1, 1}}, &log);
  EXPECT_TRUE(torch::equal(values.at("layers.0"), values.at("stem")));
}

TEST(DmmoeNetwork, SoftRoutedAndDenseLayersStandTogether) {
  auto settings = soft_settings();
  settings.set("layers", 3);
  settings.set("dense", mlp());
  settings.set("moe", Table{{"layers", Array{1}}, {"experts", Array{mlp(), mlp()}}});
  const auto network = network_of(settings);
  ASSERT_EQ(network->moe_layers().size(), 1U);
  EXPECT_EQ(network->moe_layers()[0]->layer_name(), "layers.1");
  const auto names = network->named_parameters().keys();
  for (const auto* name : {"layers.0.scale", "layers.1.router.gate.weight", "layers.2.up.weight"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(DmmoeNetwork, NamesAreThoseOfCheckpoints) {
  const auto names = dmmoe()->named_parameters().keys();
  for (const auto* name : {"stem.conv.weight", "layers.0.router.gate.weight", "layers.0.experts.0.up.weight",
                           "layers.0.experts.2.attention.query.weight", "norm.weight", "head.bias"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

TEST(DmmoeNetwork, AConvolutionalStemMakesSixteenTokens) {
  for (const int64_t side : {28, 32}) {
    const auto network =
        network_of({{"stem", "conv"}, {"moe", Table{{"experts", Array{mlp(), mlp()}}}}}, {1, side, side, 10});
    EXPECT_EQ(network->tokens_per_example(), 16);
    EXPECT_EQ(network->forward({torch::zeros({2, 1, side, side}), {}, {}, {}, {}}, nullptr).logit_BY.sizes(),
              (std::vector<int64_t>{2, 10}));
  }
}

TEST(DmmoeNetwork, SingleLayersMayDiffer) {
  const auto conv = Table{{"kind", "conv1d"}};
  const auto network =
      network_of({{"width", 16},
                  {"layers", 3},
                  {"moe", Table{{"layers", Array{0, 1, 2}},
                                {"experts", Array{mlp(), mlp()}},
                                {"layer", Table{{"1", Table{{"experts", Array{conv, conv, conv}},
                                                            {"router", Table{{"kind", "top_k"}, {"k", 3}}}}}}}}}});
  const auto layers = network->moe_layers();
  ASSERT_EQ(layers.size(), 3U);
  for (const size_t i : {0, 2}) {
    EXPECT_EQ(layers[i]->num_experts(), 2);
    EXPECT_EQ(layers[i]->group_kind(0), "mlp");
    EXPECT_EQ(layers[i]->router().max_choices(), 2);
  }
  EXPECT_EQ(layers[1]->num_experts(), 3);
  EXPECT_EQ(layers[1]->group_kind(0), "conv1d");
  EXPECT_EQ(layers[1]->router().max_choices(), 3);
}

TEST(DmmoeNetwork, BadSettingsAreNamed) {
  EXPECT_EQ(message_of({{"moe", Table{{"experts", Array{mlp()}}, {"layer", Table{{"1", Table{}}}}}}}),
            "[network.dmmoe] moe.layer.1: expected the index of a layer in moe.layers");
  EXPECT_EQ(message_of({{"patch", 5}, {"moe", Table{{"experts", Array{mlp(), mlp()}}}}}),
            "[network.dmmoe] patch: expected a divisor of the image's 32 x 32 pixels, got 5");
  EXPECT_EQ(message_of({{"moe", Table{{"layers", Array{1}}, {"experts", Array{mlp()}}}}}),
            "[network.dmmoe] moe.layers: expected indices below layers = 1, got 1");
  EXPECT_EQ(message_of({{"moe", Table{{"layers", Array{}}, {"experts", Array{mlp()}}}}}),
            "[network.dmmoe] moe.experts: has no effect while moe.layers = []; remove one of the two");
  const Array experts{mlp()};
  EXPECT_EQ(message_of({{"soft_moe", Table{{"layers", Array{0}}, {"experts", experts}}}}),
            "[network.dmmoe] soft_moe.layers: expected other layers than moe.layers names, got 0 in both; for soft "
            "mixtures alone: moe.layers = []");
  EXPECT_EQ(message_of(
                {{"moe", Table{{"layers", Array{}}}}, {"soft_moe", Table{{"layers", Array{1}}, {"experts", experts}}}}),
            "[network.dmmoe] soft_moe.layers: expected indices below layers = 1, got 1");
  EXPECT_EQ(message_of({{"moe", Table{{"experts", experts}}}, {"soft_moe", Table{{"slots_per_expert", 2}}}}),
            "[network.dmmoe.soft_moe] slots_per_expert: has no effect while layers = []; remove one of the two");
  EXPECT_EQ(message_of({{"moe", Table{{"layers", Array{}}}}, {"soft_moe", Table{{"layers", Array{0}}}}}),
            "[soft_moe] experts: expected at least one entry, got an empty list");
  EXPECT_EQ(message_of({{"stem", "conv"}, {"patch", 8}}),
            "[network.dmmoe] patch: has no effect while stem = \"conv\"; remove one of the two");
  EXPECT_EQ(message_of({}), "[layers.0] moe.experts: expected at least one entry, got an empty list");
}

DataShape text_shape() {
  DataShape shape;
  shape.vocabulary = 50, shape.num_classes = 4, shape.length = 12;
  return shape;
}

std::shared_ptr<Network> text_network(Table settings = {}) {
  settings.set("stem", "symbols");
  settings.set("width", 16);
  const auto network = network_of(settings, text_shape());
  network->eval();
  return network;
}

// Three texts of 3, 5 and 1 symbols.
Batch padded_texts() {
  Batch batch;
  batch.inputs = torch::tensor({{7, 8, 9, 0, 0}, {1, 2, 3, 4, 5}, {6, 0, 0, 0, 0}}, torch::kInt64);
  batch.mask_BS = torch::tensor({{1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}, {1, 0, 0, 0, 0}}, torch::kInt64).to(torch::kBool);
  batch.random = {1, 1};
  return batch;
}

// Whatever stands in the padding, and whether there is any, each text gets the answer that it gets alone.
void expect_padding_changes_nothing(Network& network) {
  const auto batch = padded_texts();
  const auto logit_BY = network.forward(batch, nullptr).logit_BY;
  Batch other = batch;
  other.inputs = batch.inputs.masked_fill(batch.mask_BS.logical_not(), 49);
  EXPECT_TRUE(torch::equal(network.forward(other, nullptr).logit_BY, logit_BY));
  const auto length_B = batch.mask_BS.sum(1);
  for (int64_t b = 0; b < 3; ++b) {
    Batch alone;
    alone.inputs = batch.inputs.narrow(0, b, 1).narrow(1, 0, length_B[b].item<int64_t>());
    EXPECT_TRUE(torch::allclose(network.forward(alone, nullptr).logit_BY[0], logit_BY[b], 1e-5, 1e-6)) << b;
  }
}

TEST(DmmoeNetwork, PaddingOfTextsChangesNothing) {
  const Table vit_16{{"kind", "vit_block"}, {"heads", 2}, {"hidden", 20}};
  expect_padding_changes_nothing(*text_network({{"moe", Table{{"experts", fixtures::mixed_experts()}}}}));
  expect_padding_changes_nothing(*text_network({{"dense", vit_16}, {"moe", Table{{"layers", Array{}}}}}));
  auto soft = soft_settings();
  soft.erase("width");
  expect_padding_changes_nothing(*text_network(soft));
}

// Nine symbols, two experts each.
TEST(DmmoeNetwork, PaddingOfTextsIsRoutedAndCountedNowhere) {
  const auto network = text_network({{"moe", Table{{"experts", fixtures::mixed_experts()}}}});
  RoutingLog log;
  network->forward(padded_texts(), &log);
  ASSERT_EQ(log.layers.size(), 1U);
  EXPECT_EQ(log.layers[0].num_tokens, 9);
  EXPECT_EQ(log.layers[0].tokens_per_expert_E.sum().item<int64_t>(), 18);
}

TEST(DmmoeNetwork, TextsNeedTheirStem) {
  const auto complaint = [](const std::string& stem, const DataShape& shape) {
    return fixtures::message_of<ConfigError>([&] { network_of({{"stem", stem}}, shape); });
  };
  EXPECT_NE(complaint("symbols", {3, 32, 32, 10}).find("expected \"patch\" or \"conv\" for images, got \"symbols\""),
            std::string::npos);
  EXPECT_NE(complaint("conv", text_shape()).find("expected \"symbols\" for texts, got \"conv\""), std::string::npos);
  auto next = text_shape();
  next.num_classes = next.vocabulary;
  EXPECT_NE(complaint("symbols", next).find("answers once for each text"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::dmmoe_test
