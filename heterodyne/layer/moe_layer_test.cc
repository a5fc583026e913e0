#include "heterodyne/layer/moe_layer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/text.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/gradient_check.h"

namespace heterodyne::moe_layer_test {
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
TEST(MoeLayer, SaysWhichExpertsItIsAboutToRun) {
  const Array experts{Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 3}}, Table{{"kind", "conv1d"}, {"channels", 4}}};
  const Table router{{"kind", "round_robin"}, {"k", 1}};  // tokens 0 and 1 go to the first two
  for (const bool is_dense : {false, true}) {
    const auto layer = fixtures::layer_of(
        {{"router", router}, {"experts", experts}, {"dispatcher", Table{{"kind", is_dense ? "dense" : "local"}}}});
    std::string told;
    RoutingLog log;
    log.before_experts = [&](const std::string& name, const std::vector<int64_t>& ids) {
      told += name + ":";
      for (const int64_t id : ids) told += " " + std::to_string(id);
    };
    layer->forward(input_of(fixtures::normal("x", {1, 2, 16})), &log);
    EXPECT_EQ(told, is_dense ? "layers.0: 0 1 2 3" : "layers.0: 0 1");
  }
}

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
  // What a resolved configuration says where nobody wrote a count.
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", Array{8, 16}}, {"count", 1}}}}}),
            "nothing was thrown");
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", Array{8, 16}}, {"count", 3}}}}}),
            "[moe.experts.0] count: expected 2, the length of the list beside it, got 3");
}

TEST(MoeLayer, BadSettingsAreNamed) {
  EXPECT_EQ(message_of({{"experts", Array{}}}),
            "[layers.0] moe.experts: expected at least one entry, got an empty list");
  EXPECT_EQ(message_of({{"router", Table{{"kind", "top_k"}, {"k", 5}}}}),
            "[moe.router] k: expected at most num_experts = 4, got 5");
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "mpl"}}}}}),
            "[moe.experts.0] kind: expected one of " + join(experts().names()) + ", got \"mpl\"; nearest: \"mlp\"");
  EXPECT_EQ(message_of({{"experts", Array{Table{{"kind", "vit_block"}, {"heads", 3}}}}}),
            "[moe.experts.0] heads: expected a divisor of the width 16, got 3");
}

TEST(MoeLayer, ABalancerThatTheRouterCannotServeIsRefused) {
  const Table written{{"balancers", Array{Table{{"kind", "switch_loss"}}, Table{{"kind", "bias_update"}}}}};
  EXPECT_EQ(message_of(written),
            "[moe.balancers.1] kind: expected a router that selects with a bias beside it, got router \"top_k\", which "
            "has none; choose another router or another balancer");
}

void set_parameter(MoeLayer& layer, const char* name, const torch::Tensor& value) {
  const torch::NoGradGuard no_grad;
  layer.named_parameters()[name].copy_(value);
}

const Table kCopy{{"kind", "copy"}};
const Table kTopOne{{"kind", "top_k"}, {"k", 1}};

// The routed expert copies x = (1, 2); the shared matrix makes (5, 2) of it; the gate is sigmoid(ln 3) = 3/4.
TEST(MoeLayer, SharedExpertsAnswerEveryToken) {
  Table written{
      {"router", kTopOne}, {"experts", Array{kCopy}}, {"shared", Array{Table{{"kind", "linear"}, {"bias", false}}}}};
  const auto x_BSD = torch::tensor({{{1.0F, 2.0F}}});
  for (const bool has_gate : {false, true}) {
    written.set("shared_gate", has_gate);
    const auto layer = fixtures::layer_of(written, 2);
    set_parameter(*layer, "shared.0.map.weight", torch::tensor({{1.0, 2.0}, {0.0, 1.0}}));
    if (has_gate) set_parameter(*layer, "shared_gate.weight", torch::tensor({{std::log(3.0), 0.0}}));
    const auto expected = has_gate ? torch::tensor({{{4.75F, 3.5F}}}) : torch::tensor({{{6.0F, 4.0F}}});
    EXPECT_TRUE(torch::allclose(layer->forward(input_of(x_BSD), nullptr).y_BSO, expected)) << has_gate;
    EXPECT_EQ(layer->ids().size(), 1U) << "shared experts are not among the routed";
    // Two weights of the router, four of the shared matrix, two of the gate, for each of three tokens.
    EXPECT_EQ(layer->cost({3}, 3, 1).executed.macs, 3 * (2 + 4 + (has_gate ? 2 : 0)));
  }
}

TEST(MoeLayer, SharedGroupsHaveCountsAndLists) {
  const auto layer = fixtures::layer_of(
      {{"shared", Array{Table{{"kind", "mlp"}, {"hidden", Array{4, 8}}}, Table{{"kind", "copy"}, {"count", 2}}}}});
  EXPECT_EQ(layer->named_parameters()["shared.1.up.weight"].size(0), 8);
  auto without = fixtures::layer_of({})->named_parameters();
  const auto with = layer->named_parameters();
  for (const auto& p : without) EXPECT_TRUE(torch::equal(p.value(), with[p.key()])) << "initial values are the same";
}

TEST(MoeLayer, AGateWithoutSharedExpertsIsRefused) {
  EXPECT_EQ(message_of({{"shared_gate", true}}),
            "[moe] shared_gate: has no effect while shared = []; remove one of the two");
}

TEST(MoeLayer, TheOutputMayBeASigmoid) {
  const auto layer = fixtures::layer_of({{"router", kTopOne}, {"experts", Array{kCopy}}, {"output", "sigmoid"}});
  const auto x_BSD = fixtures::normal("x", {2, 3, 16});
  EXPECT_TRUE(torch::allclose(layer->forward(input_of(x_BSD), nullptr).y_BSO, x_BSD.sigmoid()));
}

// One half each of exp(x) and of exp(0).
TEST(MoeLayer, AnswersMayBeLogProbabilities) {
  const auto layer = fixtures::layer_of({{"router", Table{{"kind", "round_robin"}, {"k", 2}}},
                                         {"experts", Array{kCopy, Table{{"kind", "linear"}, {"bias", false}}}},
                                         {"combine", "log_mixture"}});
  set_parameter(*layer, "experts.1.map.weight", torch::zeros({16, 16}));
  const auto x_BSD = fixtures::normal("x", {2, 3, 16});
  EXPECT_TRUE(
      torch::allclose(layer->forward(input_of(x_BSD), nullptr).y_BSO, ((x_BSD.exp() + 1) / 2).log(), 1e-5, 1e-6));
}

// A null expert that cannot be called.
struct NeverCalled : Expert {
  struct Options {
    void visit(Fields&) {}
  };
  NeverCalled(const Options&, const ExpertContext&) {}
  torch::Tensor forward(const ExpertInput&) override { throw Error("never", "called"); }
  CostPair cost(const ExpertLoad& load) const override { return row_cost(0, load); }
};

std::shared_ptr<MoeLayer> layer_with(const Table& table, const Families& families) {
  return std::make_shared<MoeLayer>(read_options<MoeOptions>(table, {"moe", "moe", families}),
                                    MoeContext{16, 16, {7, "layers.0"}});
}

TEST(MoeLayer, RowsAreNotCarriedToNullExperts) {
  auto mine = experts();
  mine.add("never", expert_kind<NeverCalled>("a null expert", true));
  const auto layer = layer_with(
      {{"router", Table{{"kind", "round_robin"}, {"k", 2}}}, {"experts", Array{Table{{"kind", "never"}}, kCopy}}},
      Families().with(mine));
  const auto x_BSD = fixtures::normal("x", {2, 3, 16});
  RoutingLog log;
  const auto output = layer->forward(input_of(x_BSD), &log);
  EXPECT_TRUE(torch::allclose(output.y_BSO, x_BSD / 2));
  EXPECT_TRUE(torch::equal(log.layers[0].tokens_per_expert_E, torch::tensor({6, 6}, torch::kInt64)))
      << "the choice itself is on record";
  EXPECT_EQ(log.layers[0].num_dropped, 0);
}

TEST(MoeLayer, PairsWithoutRoomAreDroppedAfterTheLosses) {
  const Table crowded{{"router", kTopOne}, {"balancers", Array{Table{{"kind", "switch_loss"}}}}};
  Table limited = crowded;
  limited.set("dispatcher", Table{{"kind", "capacity"}, {"factor", 0.25}});
  const auto free = fixtures::layer_of(crowded), short_of_room = fixtures::layer_of(limited);
  const auto x_BSD = fixtures::normal("x", {1, 4, 16}).narrow(1, 0, 1).repeat({1, 8, 1});
  RoutingLog log;
  const auto wanted = free->forward(input_of(x_BSD), nullptr), got = short_of_room->forward(input_of(x_BSD), &log);
  EXPECT_EQ(log.layers[0].num_dropped, 7) << "eight equal tokens, room for ceil(.25 x 8 / 4) = 1";
  EXPECT_EQ(log.layers[0].num_unrouted, 7);
  EXPECT_TRUE(torch::equal(got.y_BSO[0][0], wanted.y_BSO[0][0]));
  EXPECT_EQ(got.y_BSO.narrow(1, 1, 7).abs().sum().item<double>(), 0);
  EXPECT_TRUE(torch::equal(got.losses[0].second, wanted.losses[0].second));
  EXPECT_TRUE(torch::equal(got.sums.at("assignments_E"), wanted.sums.at("assignments_E")));
  short_of_room->eval();
  free->eval();
  EXPECT_TRUE(torch::equal(short_of_room->forward(input_of(x_BSD), nullptr).y_BSO,
                           free->forward(input_of(x_BSD), nullptr).y_BSO));
}

TEST(MoeLayer, SaysWhyItIsNotCausal) {
  const auto why = [](const MoeLayer& layer) {
    std::string reason;
    const bool is_causal = layer.is_causal(&reason);
    EXPECT_EQ(is_causal, reason.empty());
    EXPECT_EQ(is_causal, layer.is_causal());
    return reason;
  };
  const Table causal{{"experts", Array{Table{{"kind", "mlp"}}, Table{{"kind", "vit_block"}, {"causal", true}}}}};
  EXPECT_EQ(why(*fixtures::layer_of(causal)), "");
  EXPECT_EQ(why(*fixtures::layer_of({})), "expert kind \"vit_block\" looks at later tokens");
  auto other = causal;
  other.set("shared", Array{Table{{"kind", "conv2d"}}});
  EXPECT_EQ(why(*fixtures::layer_of(other)), "a shared expert looks at later tokens");
  other = causal;
  other.set("dispatcher", Table{{"kind", "capacity"}});
  EXPECT_EQ(why(*fixtures::layer_of(other)), "dispatcher \"capacity\" lets later tokens take the room of earlier ones");
  auto mine = routers();
  auto looking_ahead = mine.find("top_k");
  looking_ahead.traits.is_causal = false;
  mine.add("ahead", looking_ahead);
  other = causal;
  other.set("router", Table{{"kind", "ahead"}});
  EXPECT_EQ(why(*layer_with(other, Families().with(mine))),
            "router \"ahead\" lets later tokens decide about earlier ones");
}

TEST(MoeLayer, ATextIsContinued) {
  const auto layer = fixtures::layer_of({{"experts", Array{Table{{"kind", "lstm"}}, Table{{"kind", "mlp"}}}},
                                         {"shared", Array{Table{{"kind", "lstm"}}}}});
  layer->eval();
  const auto x_BSD = fixtures::normal("x", {2, 5, 16});
  const auto whole_BSD = layer->forward(input_of(x_BSD), nullptr).y_BSO;
  MoeInput rest = input_of(x_BSD.narrow(1, 3, 2));
  rest.past_BSD = x_BSD.narrow(1, 0, 3);
  rest.first_position = 3;
  EXPECT_TRUE(torch::allclose(layer->forward(rest, nullptr).y_BSO, whole_BSD.narrow(1, 3, 2), 1e-5, 1e-6));
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

TEST(MoeLayer, SaysWhichDataItsRouterCannotWorkOn) {
  const auto message = [](const char* router, bool is_text) {
    const auto layer = fixtures::layer_of({{"router", Table{{"kind", router}}}});
    return fixtures::message_of<ConfigError>([&] { layer->check_data(is_text); });
  };
  EXPECT_NE(message("hash", false)
                .find("[moe.router] kind: expected one that works without the symbols of a text, "
                      "which these data have not, got \"hash\""),
            std::string::npos);
  EXPECT_NE(message("oracle", true).find("without a class for each example"), std::string::npos);
  for (const auto& [router, is_text] : {std::pair("hash", true), std::pair("oracle", false), std::pair("top_k", true)})
    EXPECT_EQ(message(router, is_text), "nothing was thrown") << router;
}

MoeOptions with_bias_router(double bias_rate, const Array& balancers) {
  return read_options<MoeOptions>({{"router", Table{{"kind", "sigmoid_bias"}, {"k", 1}, {"bias_rate", bias_rate}}},
                                   {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 4}}}},
                                   {"balancers", balancers}},
                                  {});
}

TEST(MoeLayer, OneAloneMovesTheBias) {
  const Array balancer{Table{{"kind", "bias_update"}}};
  const MoeContext context{16, 16, {1, "layers.0"}};
  EXPECT_NO_THROW(MoeLayer(with_bias_router(0, balancer), context));
  EXPECT_NE(
      fixtures::message_of<ConfigError>([&] { MoeLayer(with_bias_router(0.001, balancer), context); })
          .find("expected a router that leaves its bias alone beside it, got router \"sigmoid_bias\", which moves "
                "it too (bias_rate = 0 is for this"),
      std::string::npos);
}

// As a phase for the head alone, or a run with everything else frozen, wants it.
TEST(MoeLayer, WhatLearnsNothingKeepsItsBias) {
  MoeLayer layer(with_bias_router(0.01, {}), {16, 16, {1, "layers.0"}});
  const Sums sums{{"assignments_E", torch::tensor({4.0, 0.0, 0.0, 0.0}, torch::kFloat64)},
                  {"tokens", torch::tensor(4.0, torch::kFloat64)}};
  const auto bias_E = layer.router().selection_bias();
  for (auto& parameter : layer.router().parameters()) parameter.set_requires_grad(false);
  layer.after_step(sums);
  EXPECT_EQ(bias_E.abs().max().item<double>(), 0);
  for (auto& parameter : layer.router().parameters()) parameter.set_requires_grad(true);
  layer.after_step(sums);
  EXPECT_NEAR(bias_E[1].item<double>(), 0.01, 1e-7);
}

}  // namespace
}  // namespace heterodyne::moe_layer_test
