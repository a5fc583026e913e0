#include "heterodyne/layer/moe_layer.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne {
namespace {

MoeInput input_of(const torch::Tensor& x_BSD) { return {x_BSD, {}, {3, 5}}; }

std::string message_of(const Table& table) {
  return fixtures::message_of<ConfigError>([&] { fixtures::layer_of(table); });
}

TEST(MoeLayer, MixesFourKindsAndReportsWhatItDid) {
  const auto layer =
      fixtures::layer_of({{"balancers", Array{Table{{"kind", "switch_loss"}}, Table{{"kind", "z_loss"}}}}});
  RoutingLog log;
  const auto output = layer->forward(input_of(fixtures::normal("x", {3, 5, 16})), &log);
  EXPECT_EQ(output.y_BSO.sizes(), (std::vector<int64_t>{3, 5, 16}));
  ASSERT_EQ(output.losses.size(), 2U);
  EXPECT_EQ(output.losses[0].first, "layers.0.switch_loss");
  EXPECT_EQ(output.losses[1].first, "layers.0.z_loss");
  ASSERT_EQ(log.layers.size(), 1U);
  EXPECT_EQ(log.layers[0].layer, "layers.0");
  EXPECT_EQ(log.layers[0].tokens_per_expert_E.sum().item<int64_t>(), 30);
}

TEST(MoeLayer, LossesAreWeighted) {
  const auto loss = [](double weight) {
    const auto layer = fixtures::layer_of({{"balancers", Array{Table{{"kind", "switch_loss"}, {"weight", weight}}}}});
    return layer->forward(input_of(fixtures::normal("x", {3, 5, 16})), nullptr).losses[0].second.item<double>();
  };
  EXPECT_NEAR(loss(0.5), 5 * loss(0.1), 1e-6);
}

TEST(MoeLayer, OneExpertIsTheExpert) {
  const auto layer = fixtures::layer_of(
      {{"router", Table{{"kind", "top_k"}, {"k", 1}}}, {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 24}}}}});
  const auto x_BSD = fixtures::normal("x", {2, 3, 16});
  const auto x_TD = x_BSD.view({6, 16});
  const auto expected = layer->slots()[0].expert->forward({x_TD, torch::arange(6), x_BSD, {}, {}});
  EXPECT_TRUE(torch::allclose(layer->forward(input_of(x_BSD), nullptr).y_BSO.view({6, 16}), expected, 1e-6, 1e-6));
}

TEST(MoeLayer, EqualExpertsInAnyOrderGiveTheSame) {
  const auto layer = fixtures::layer_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", 24}, {"count", 4}}}}});
  const auto x_BSD = fixtures::normal("x", {2, 5, 16});
  const auto before = layer->forward(input_of(x_BSD), nullptr).y_BSO;
  auto slots = layer->slots();
  std::swap(slots[0], slots[3]);
  std::swap(slots[1], slots[2]);
  layer->set_slots(slots);
  const torch::NoGradGuard no_grad;
  auto gate = layer->router().parameters()[0];
  gate.copy_(gate.flip(0).clone());
  EXPECT_TRUE(torch::allclose(layer->forward(input_of(x_BSD), nullptr).y_BSO, before, 1e-5, 1e-6));
}

TEST(MoeLayer, PaddingChangesNothingElsewhere) {
  const auto layer = fixtures::layer_of({{"balancers", Array{Table{{"kind", "switch_loss"}}}}});
  auto input = input_of(fixtures::normal("x", {3, 5, 16}));
  input.mask_BS = torch::ones({3, 5}, torch::kBool);
  input.mask_BS.select(1, 4).fill_(false);
  RoutingLog log;
  const auto one = layer->forward(input, &log);
  input.x_BSD = input.x_BSD.clone();
  input.x_BSD.select(1, 4).fill_(7);
  const auto other = layer->forward(input, nullptr);
  EXPECT_TRUE(torch::equal(one.y_BSO.narrow(1, 0, 4), other.y_BSO.narrow(1, 0, 4)));
  EXPECT_EQ(one.y_BSO.select(1, 4).abs().sum().item<double>(), 0);
  EXPECT_TRUE(torch::equal(one.losses[0].second, other.losses[0].second));
  EXPECT_EQ(log.layers[0].num_tokens, 12);
  EXPECT_EQ(log.layers[0].num_unrouted, 0);
}

TEST(MoeLayer, AnExpertNobodyChoseHasNoGradientAndTheOthersDo) {
  const auto layer = fixtures::layer_of({{"router", Table{{"kind", "round_robin"}, {"k", 2}}}});
  layer->forward(input_of(fixtures::normal("x", {1, 1, 16})), nullptr).y_BSO.sum().backward();
  EXPECT_TRUE(layer->slots()[0].expert->parameters()[0].grad().defined());
  EXPECT_FALSE(layer->slots()[3].expert->parameters()[0].grad().defined());
}

// At a fixed assignment the layer is smooth; steps of 1e-5 in float64 leave about 1e-8.
TEST(MoeLayer, GradientsByFiniteDifferences) {
  const auto layer = fixtures::layer_of({});
  layer->to(torch::kFloat64);
  const auto f = [&](const std::vector<torch::Tensor>& in) { return layer->forward(input_of(in[0]), nullptr).y_BSO; };
  EXPECT_LT(ops::gradient_error(f, {fixtures::normal("x", {2, 3, 16})}), 1e-6);
}

TEST(MoeLayer, GroupsMayHaveSizesNamesAndCounts) {
  const auto layer =
      fixtures::layer_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", Array{8, 16, 32}}, {"name", "wide"}},
                                            Table{{"kind", "lstm_cell"}, {"count", 2}}}}});
  EXPECT_EQ(layer->num_experts(), 5);
  EXPECT_EQ(layer->ids(), (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(layer->group_name(0), "wide");
  EXPECT_EQ(layer->group_name(1), "lstm_cell");
  EXPECT_EQ(layer->named_parameters()["experts.2.up.weight"].size(0), 32);
  EXPECT_TRUE(layer->named_parameters().contains("router.gate.weight"));
}

TEST(MoeLayer, AListAndACountMustAgree) {
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", Array{8, 16}}, {"count", 3}}}}}),
            "[moe.experts.0] count: expected 2, the length of the list beside it, got 3");
}

TEST(MoeLayer, BadSettingsAreNamed) {
  EXPECT_EQ(message_of({{"experts", Array{}}}),
            "[layers.0] moe.experts: expected at least one entry, got an empty list");
  EXPECT_EQ(message_of({{"router", Table{{"kind", "top_k"}, {"k", 5}}}}),
            "[moe.router] k: expected at most num_experts = 4, got 5");
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "mpl"}}}}}),
            "[moe.experts.0] kind: expected one of conv1d, lstm_cell, mlp, vit_block, got \"mpl\"; nearest: \"mlp\"");
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "vit_block"}, {"heads", 3}}}}}),
            "[moe.experts.0] heads: expected a divisor of the width 16, got 3");
}

TEST(MoeLayer, ABalancerThatTheRouterCannotServeIsRefused) {
  const Table written{{"balancers", Array{Table{{"kind", "switch_loss"}}, Table{{"kind", "bias_update"}}}}};
  EXPECT_EQ(message_of(written),
            "[moe.balancers.1] kind: expected a router that selects with a bias beside it, got router \"top_k\", which "
            "has none; choose another router or another balancer");
}

TEST(MoeLayer, RejectsTheWrongShape) {
  const auto layer = fixtures::layer_of({});
  EXPECT_THROW(layer->forward(input_of(torch::zeros({2, 3, 8})), nullptr), ShapeError);
  EXPECT_THROW(layer->forward(input_of(torch::zeros({6, 16})), nullptr), ShapeError);
}

TEST(MoeLayer, NoSequencesGiveNothing) {
  const auto output = fixtures::layer_of({})->forward(input_of(torch::zeros({0, 4, 16})), nullptr);
  EXPECT_EQ(output.y_BSO.sizes(), (std::vector<int64_t>{0, 4, 16}));
}

}  // namespace
}  // namespace heterodyne
