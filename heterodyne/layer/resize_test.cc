#include "heterodyne/layer/resize.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::resize_test {
namespace {

std::shared_ptr<MoeLayer> two_groups() {
  return fixtures::layer_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}},
                                               Table{{"kind", "lstm_cell"}, {"count", 2}}}}});
}

torch::Tensor gate_of(MoeLayer& layer) { return layer.router().parameters()[0]; }

torch::Tensor answer(MoeLayer& layer) {
  return layer.forward({fixtures::normal("x", {3, 4, 16}), {}, {3, 5}}, nullptr).y_BSO;
}

TEST(Resize, ANewExpertComesToTheEndOfItsGroup) {
  const auto layer = two_groups();
  const auto before = gate_of(*layer).clone();
  const auto added = add_expert(*layer, {.group = 0, .copy_of = {}});
  EXPECT_EQ(added.id, 5);
  EXPECT_EQ(layer->ids(), (std::vector<int64_t>{0, 1, 2, 5, 3, 4}));
  ASSERT_EQ(added.changes.size(), 1U);
  EXPECT_EQ(added.changes[0].name, "router.gate.weight");
  EXPECT_EQ(added.changes[0].source_E, (std::vector<int64_t>{0, 1, 2, -1, 3, 4}));
  const auto gate = gate_of(*layer);
  EXPECT_TRUE(torch::equal(gate.index_select(0, torch::tensor({0, 1, 2, 4, 5})), before));
  EXPECT_TRUE(torch::allclose(gate[3], before.mean(0)));
  EXPECT_TRUE(layer->named_parameters().contains("experts.5.up.weight"));
}

TEST(Resize, TheParameterStaysTheSameObject) {
  const auto layer = two_groups();
  const auto gate = gate_of(*layer);
  add_expert(*layer, {});
  EXPECT_TRUE(gate.is_same(gate_of(*layer))) << "whoever holds the parameter sees the change";
  EXPECT_EQ(gate.size(0), 6);
  EXPECT_TRUE(gate.requires_grad());
  answer(*layer).sum().backward();
  EXPECT_EQ(gate.grad().size(0), 6);
}

TEST(Resize, ACopyAnswersAsItsOriginal) {
  const auto layer = two_groups();
  const auto added = add_expert(*layer, {.group = 1, .copy_of = 3});
  const auto& slots = layer->slots();
  EXPECT_EQ(slots.back().id, added.id);
  for (const auto& parameter : slots.back().expert->named_parameters()) {
    EXPECT_TRUE(torch::equal(parameter.value(), slots[3].expert->named_parameters()[parameter.key()]));
  }
  EXPECT_TRUE(torch::equal(gate_of(*layer)[5], gate_of(*layer)[3]));
}

TEST(Resize, RemovingTheNewcomerRestoresTheLayer) {
  const auto layer = two_groups();
  const auto before = answer(*layer);
  const auto added = add_expert(*layer, {});
  const auto removed = remove_expert(*layer, added.id);
  EXPECT_EQ(removed.changes[0].source_E, (std::vector<int64_t>{0, 1, 2, 4, 5}));
  EXPECT_TRUE(torch::equal(answer(*layer), before));
  EXPECT_EQ(add_expert(*layer, {}).id, 6) << "ids are never used again";
  EXPECT_FALSE(layer->named_parameters().contains("experts.5.up.weight"));
}

TEST(Resize, TheOthersAnswerAsBefore) {
  const auto layer = fixtures::layer_of({{"router", Table{{"kind", "top_k"}, {"k", 1}}},
                                         {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}}}}});
  RoutingLog log;
  log.keep_pairs = true;
  const auto x_BSD = fixtures::normal("x", {3, 4, 16});
  const auto before = layer->forward({x_BSD, {}, {}}, &log).y_BSO.view({12, 16});
  const auto& plan = log.layers[0].routing.plan;
  const auto stay = plan.token_N.index({plan.expert_N != 1});
  remove_expert(*layer, 1);
  const auto after = layer->forward({x_BSD, {}, {}}, nullptr).y_BSO.view({12, 16});
  EXPECT_TRUE(torch::allclose(after.index_select(0, stay), before.index_select(0, stay), 1e-5, 1e-6));
}

TEST(Resize, RearrangesMomentsWithTheMeanForTheNew) {
  const auto moments = torch::tensor({{1.0, 2.0}, {3.0, 4.0}});
  EXPECT_TRUE(
      torch::equal(rearranged(moments, {"m", 0, {1, -1, 0}}), torch::tensor({{3.0, 4.0}, {2.0, 3.0}, {1.0, 2.0}})));
  EXPECT_TRUE(torch::equal(rearranged(moments, {"m", 1, {-1, 0}}), torch::tensor({{1.5, 1.0}, {3.5, 3.0}})));
  EXPECT_TRUE(torch::equal(rearranged(moments, {"m", 0, {-1, 1}}, torch::zeros({1, 2})),
                           torch::tensor({{0.0, 0.0}, {3.0, 4.0}})));
}

TEST(Resize, FollowsTheDtypeOfTheLayer) {
  const auto layer = two_groups();
  layer->to(torch::kFloat64);
  add_expert(*layer, {});
  for (const auto& parameter : layer->parameters()) EXPECT_EQ(parameter.scalar_type(), torch::kFloat64);
}

TEST(Resize, RefusesWhatCannotBe) {
  const auto layer = two_groups();
  EXPECT_EQ(fixtures::message_of<Error>([&] { remove_expert(*layer, 9); }), "[layers.0] expert 9: not in this layer");
  EXPECT_EQ(fixtures::message_of<Error>([&] { add_expert(*layer, {.group = 2, .copy_of = {}}); }),
            "[layers.0] group: expected 0 .. 1, got 2");
  EXPECT_EQ(fixtures::message_of<Error>([&] { add_expert(*layer, {.group = 0, .copy_of = 4}); }),
            "[layers.0] copy_of: expected an expert of group 0, got expert 4 of group 1");
  for (const int64_t id : {0, 1, 2}) remove_expert(*layer, id);
  EXPECT_EQ(fixtures::message_of<Error>([&] { remove_expert(*layer, 3); }),
            "[router.top_k] k: expected at most num_experts = 1, got 2");
  EXPECT_EQ(layer->num_experts(), 2) << "a refused change changes nothing";
  answer(*layer);
}

TEST(Resize, ANewExpertCanBeLikeAnotherWithoutItsWeights) {
  const auto layer = fixtures::layer_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", Array{8, 24}}}}}});
  const auto weight_of = [&](int64_t id) {
    return layer->named_parameters()[fmt::format("experts.{}.up.weight", id)].detach();
  };
  const int64_t large = add_expert(*layer, {.like = 1}).id, small = add_expert(*layer, {.like = 0}).id;
  EXPECT_EQ(weight_of(small).size(0), 8);
  ASSERT_EQ(weight_of(large).size(0), 24);
  EXPECT_FALSE(torch::allclose(weight_of(large), weight_of(1)));
  EXPECT_TRUE(torch::equal(gate_of(*layer)[2], gate_of(*layer)[1]));
  EXPECT_EQ(fixtures::message_of<Error>([&] { add_expert(*layer, {.like = 9}); }),
            "[layers.0] expert 9: not in this layer");
}

TEST(Resize, AFrozenExpertStaysSoAndTheOthersLearn) {
  const auto layer = two_groups();
  set_frozen(*layer, 1, true);
  const auto fresh = two_groups();
  set_topology(*fresh, topology(*layer), "state.json");
  answer(*layer).square().sum().backward();
  for (const auto& one : {layer, fresh}) {
    for (const auto& slot : one->slots()) {
      for (const auto& value : slot.expert->parameters()) {
        EXPECT_EQ(value.requires_grad(), slot.id != 1);
        EXPECT_EQ(value.grad().defined(), slot.id != 1 && one == layer) << slot.id;
      }
    }
  }
  set_frozen(*layer, 1, false);
  EXPECT_EQ(topology(*layer), topology(*two_groups()));
}

TEST(Resize, TopologyRoundTrips) {
  const auto layer = two_groups();
  remove_expert(*layer, 1);
  add_expert(*layer, {.group = 1, .copy_of = {}});
  const auto fresh = two_groups();
  set_topology(*fresh, topology(*layer), "state.json");
  EXPECT_EQ(fresh->ids(), (std::vector<int64_t>{0, 2, 3, 4, 5}));
  EXPECT_EQ(fresh->next_id(), 6);
  EXPECT_EQ(gate_of(*fresh).size(0), 5);
  EXPECT_EQ(fresh->named_parameters().keys(), layer->named_parameters().keys());
}

TEST(Resize, ATopologyTakesOverTheDtypeOfTheLayer) {
  const auto layer = two_groups(), fresh = two_groups();
  add_expert(*layer, {});
  fresh->to(torch::kFloat64);
  set_topology(*fresh, topology(*layer), "state.json");
  for (const auto& parameter : fresh->parameters()) EXPECT_EQ(parameter.scalar_type(), torch::kFloat64);
}

TEST(Resize, ATopologyOfOtherGroupsIsRefused) {
  const auto layer = two_groups();
  Table table = topology(*layer);
  auto& first = *table.find("experts")->if_array()->front().if_table();
  first.set("kind", "conv1d");
  EXPECT_EQ(fixtures::message_of<Error>([&] { set_topology(*layer, table, "state.json"); }),
            "state.json: layers.0: an expert of group 0 does not fit this network's groups");
  first.set("group", 7);
  EXPECT_THROW(set_topology(*layer, table, "state.json"), FormatError);
  EXPECT_THROW(set_topology(*layer, Table{{"next_id", 3}}, "state.json"), FormatError);
}

TEST(Resize, ATopologyWithAnIdTwiceOrOutOfRangeIsRefused) {
  for (const int64_t id : {-1, 1, 99}) {
    const auto layer = two_groups();
    Table table = topology(*layer);
    table.find("experts")->if_array()->front().if_table()->set("id", id);
    EXPECT_NE(fixtures::message_of<FormatError>([&] {
                set_topology(*layer, table, "state.json");
              }).find("layers.0: expected ids below next_id = "),
              std::string::npos)
        << id;
  }
}

}  // namespace
}  // namespace heterodyne::resize_test
