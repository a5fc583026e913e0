#include "heterodyne/model/twin.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::twin_test {
namespace {

MakeNetwork maker(DataShape shape) {
  return [shape](const Table& model) { return networks().make(Member(model), NetworkContext{shape, 1}); };
}
const DataShape kCifar{3, 32, 32, 10};
const DataShape kFourInputs{1, 2, 2, 2};

// Four inputs, two classes, two experts of which each image gets one. An expert of width h holds 4 h + h + 2 h + 2
// = 7 h + 2 parameters and takes 4 h + 2 h multiply-adds; the gate has 8 of each. In all 8 + 23 + 37 = 68.
Table two_experts() {
  return {{"kind", "mlp"},
          {"hidden", Array{}},
          {"moe",
           Table{{"router", Table{{"kind", "top_k"}, {"k", 1}}},
                 {"experts",
                  Array{Table{{"name", "two"}, {"kind", "mlp"}, {"hidden", Array{3, 5}}, {"activation", "relu"}}}}}}};
}

Table published() {
  return {{"kind", "dmmoe"},
          {"moe",
           Table{{"experts", Array{Table{{"name", "mlp"}, {"kind", "mlp"}, {"hidden", 256}}, Table{{"kind", "conv1d"}},
                                   Table{{"kind", "vit_block"}, {"heads", 4}, {"hidden", 256}, {"dropout", 0.1}},
                                   Table{{"kind", "lstm_cell"}}}}}}};
}

std::string message_of(const Table& model, TwinForm form, DataShape shape = kCifar) {
  return fixtures::message_of<ConfigError>([&] { twin_of(model, form, TwinBudget::kParams, maker(shape)); });
}

TEST(Twin, BudgetsAreThoseWorkedByHand) {
  const auto network = maker(kFourInputs)(two_experts());
  const auto budget = network_budget(*network);
  EXPECT_EQ(budget.params, 68);
  EXPECT_EQ(budget.executed_macs, 8 + (18 + 30) / 2.0);
  EXPECT_EQ(budget.active_params, 8 + (23 + 37) / 2.0);
}

TEST(Twin, EqualExpertsOfTheSameBudget) {
  for (const auto budget : {TwinBudget::kParams, TwinBudget::kMacs, TwinBudget::kActive}) {
    const auto twin = twin_of(two_experts(), TwinForm::kHomogeneous, budget, maker(kFourInputs));
    EXPECT_EQ(twin.hidden, 4);
    EXPECT_EQ(twin.blocks, "each mlp expert");
    EXPECT_EQ(twin.budget.params, 68);
    const Table expected{{"kind", "mlp"}, {"activation", "relu"}, {"count", 2}, {"hidden", 4}};
    EXPECT_EQ(twin.model.find_path("moe.experts")->if_array()->at(0), Value(expected));
  }
}

// 7 h + 2 = 68 at 9.4, 6 h = 32 at 5.3, 7 h + 2 = 38 at 5.1: the nearest whole widths.
TEST(Twin, OneExpertForAllIsDense) {
  const auto make = maker(kFourInputs);
  const auto by_params = twin_of(two_experts(), TwinForm::kDense, TwinBudget::kParams, make);
  EXPECT_EQ(by_params.hidden, 9);
  EXPECT_EQ(by_params.budget.params, 65);
  EXPECT_EQ(by_params.budget.active_params, 65);
  EXPECT_EQ(by_params.blocks, "each dense mlp");
  const auto by_macs = twin_of(two_experts(), TwinForm::kDense, TwinBudget::kMacs, make);
  EXPECT_EQ(by_macs.hidden, 5);
  EXPECT_EQ(by_macs.budget.executed_macs, 30);
  EXPECT_EQ(twin_of(two_experts(), TwinForm::kDense, TwinBudget::kActive, make).hidden, 5);
  const auto network = make(by_params.model);
  EXPECT_EQ(network->moe_layers().at(0)->num_experts(), 1);
}

// Published: 357,611 parameters, with four MLPs of width 256 290,442. An MLP holds 257 h + 128:
// (357,611 - 290,442) / (4 x 257) = 65.3 more of width.
TEST(Twin, EqualExpertsForThePublishedNetwork) {
  const auto twin = twin_of(published(), TwinForm::kHomogeneous, TwinBudget::kParams, maker(kCifar));
  EXPECT_EQ(twin.hidden, 256 + 65);
  EXPECT_EQ(twin.budget.params, 290442 + 65 * 1028);
}

// A transformer block of width h holds 132,480 - 257 x (256 - h) parameters, all else 26,250.
TEST(Twin, DenseBlocksForThePublishedNetwork) {
  const auto twin = twin_of(published(), TwinForm::kDense, TwinBudget::kParams, maker(kCifar));
  EXPECT_EQ(twin.hidden, 1030);
  EXPECT_EQ(twin.budget.params, 26250 + 132480 + (1030 - 256) * 257);
  EXPECT_EQ(twin.blocks, "each dense vit_block");
  EXPECT_TRUE(maker(kCifar)(twin.model)->moe_layers().empty());
}

// Each layer: four gated experts of 3 x 8 x 6 = 144 parameters and a gate of 32, against 3 x 8 h of a dense part. 608 /
// 24 = 25.3; of those a token meets 2 x 144 + 32 = 320, 320 / 24 = 13.3.
TEST(Twin, DenseFeedForwardPartsOfALanguageModel) {
  const Table model{{"kind", "llama"},
                    {"width", 8},
                    {"layers", 2},
                    {"heads", 2},
                    {"moe", Table{{"router", Table{{"kind", "top_k"}, {"k", 2}}},
                                  {"experts", Array{Table{{"kind", "swiglu"}, {"count", 4}, {"hidden", 6}}}}}}};
  const auto make = maker({1, 0, 0, 10, 10, 8});
  const auto twin = twin_of(model, TwinForm::kDense, TwinBudget::kParams, make);
  EXPECT_EQ(twin.hidden, 25);
  EXPECT_EQ(twin.blocks, "each dense swiglu");
  EXPECT_EQ(network_budget(*make(model)).params - twin.budget.params, 2 * (608 - 600));
  EXPECT_TRUE(make(twin.model)->moe_layers().empty());
  EXPECT_EQ(twin_of(model, TwinForm::kDense, TwinBudget::kActive, make).hidden, 13);
  EXPECT_EQ(twin_of(model, TwinForm::kHomogeneous, TwinBudget::kMacs, make).hidden, 6);
}

TEST(Twin, ExpertsThatAnswerNothingStay) {
  Table model = two_experts();
  Value* moe = model.find("moe");
  moe->if_table()->set("experts", Array{Table{{"kind", "zero"}}, Table{{"kind", "mlp"}, {"hidden", Array{3, 5}}}});
  const auto twin = twin_of(model, TwinForm::kHomogeneous, TwinBudget::kParams, maker(kFourInputs));
  EXPECT_EQ(twin.hidden, 4);
  EXPECT_EQ(twin.model.find_path("moe.experts")->if_array()->at(1), Value(Table{{"kind", "zero"}}));
}

TEST(Twin, SingleLayersOfTheirOwnAreMatchedToo) {
  Table model = published();
  model.set("layers", 2);
  Table& moe = *model.find("moe")->if_table();
  moe.set("layers", Array{0, 1});
  moe.set("layer", Table{{"1", Table{{"experts", Array{Table{{"kind", "conv1d"}, {"count", 3}}}}}}});
  const auto make = maker(kCifar);
  const auto twin = twin_of(model, TwinForm::kHomogeneous, TwinBudget::kParams, make);
  const auto network = make(twin.model);
  const auto layers = network->moe_layers();
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[1]->num_experts(), 3);
  EXPECT_EQ(layers[1]->group_kind(0), "mlp");
  EXPECT_NEAR(twin.budget.params / network_budget(*make(model)).params, 1, 0.01);
}

TEST(Twin, RefusesWhereThereIsNone) {
  Table dense{{"kind", "mlp"}, {"moe", Table{}}};
  EXPECT_EQ(message_of(dense, TwinForm::kDense),
            "[model] moe: expected a Mixture-of-Experts layer for a dense twin to be made of, got none");
  Table small = published();
  small.find("moe")->if_table()->set("experts", Array{Table{{"kind", "conv1d"}, {"count", 2}}});
  const std::string message = message_of(small, TwinForm::kDense);
  EXPECT_NE(message.find("a dense twin of 27,212 parameters does not exist: with a hidden width of 1 it has 93,195"),
            std::string::npos)
      << message;
  small.set("layers", 2);
  small.set("dense", Table{{"kind", "linear"}});
  EXPECT_NE(message_of(small, TwinForm::kDense).find("dense: expected a kind with a hidden width"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::twin_test
