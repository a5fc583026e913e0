#include "heterodyne/convert/build.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/convert/dense_layers.h"
#include "heterodyne/convert/fixtures.h"
#include "heterodyne/convert/partitioner.h"
#include "heterodyne/model/load.h"

namespace heterodyne::build_test {
namespace {

Table router_of(int64_t k) { return Table{{"kind", "top_k"}, {"k", k}, {"weights", "one"}}; }

// Sizes 12, 7 and 5.
NeuronMap unequal_map() {
  std::vector<int64_t> expert_F;
  for (int64_t n = 0; n < 24; ++n) expert_F.push_back(n % 2 == 0 ? 0 : n < 14 ? 1 : 2);
  return partition_of(expert_F, 3);
}

double largest_difference(Network& source, Network& target, const Batch& batch, int64_t num_experts) {
  return (answers_of(target, batch, num_experts) - answers_of(source, batch)).abs().max().item<double>();
}

std::shared_ptr<Network> converted(Network& source, const ConversionPlan& plan, CopyCoverage* coverage = nullptr) {
  auto target = fixtures::network_of(converted_settings(fixtures::llama_settings(), plan), torch::kFloat32);
  const auto found = copy_converted(state_of(source), *target, plan);
  if (coverage) *coverage = found;
  return target;
}

TEST(Build, WithAllExpertsAtWorkTheAnswerIsTheDenseOne) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  for (const auto& maps : {std::map<int64_t, NeuronMap>{{0, unequal_map()}, {1, unequal_map()}},
                           std::map<int64_t, NeuronMap>{{1, unequal_map()}}}) {
    ConversionPlan plan{maps, router_of(1), {}};
    CopyCoverage coverage;
    const auto target = converted(*source, plan, &coverage);
    const auto batch = fixtures::text_batch(4, 8);
    EXPECT_LT(largest_difference(*source, *target, batch, 3), 1e-5);
    EXPECT_GT(largest_difference(*source, *target, batch, 1), 1e-3) << "one expert alone is not the dense layer";
    EXPECT_EQ(coverage.source_used, coverage.source_total);
    EXPECT_EQ(coverage.target_new, static_cast<int64_t>(maps.size()));
    EXPECT_EQ(target->moe_layers().size(), maps.size());
  }
}

// Neuron 0 is in all experts, neuron 1 in two, neuron 2 in none.
TEST(Build, SharedNeuronsCountOnce) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  auto map = unequal_map();
  map.experts_F[0] = {0, 1, 2};
  map.experts_F[1] = {0, 2};
  ConversionPlan plan{{{0, map}}, router_of(2), {}};
  EXPECT_LT(largest_difference(*source, *converted(*source, plan), fixtures::text_batch(3, 8), 3), 1e-5);
  plan.maps[0].experts_F[2] = {};
  CopyCoverage coverage;
  const auto target = converted(*source, plan, &coverage);
  EXPECT_EQ(coverage.neurons_left_out, 1);
  EXPECT_GT(largest_difference(*source, *target, fixtures::text_batch(3, 8), 3), 1e-6);
}

TEST(Build, KeysMakeTheRouter) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  ConversionPlan plan{{{0, unequal_map()}}, router_of(1), {}, "keys"};
  const auto target = converted(*source, plan);
  const auto gate_FH = source->named_parameters()["layers.0.w1.weight"];
  const auto row = gate_FH.index_select(0, torch::tensor({1, 3, 5, 7, 9, 11, 13})).mean(0);
  EXPECT_TRUE(torch::allclose(target->named_parameters()["layers.0.router.gate.weight"][1], row, 1e-6, 1e-7));
}

TEST(Build, RowsThatAreGivenMakeTheRouter) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  const auto row_EH = RandomStream("rows").normal({1, 0}, {3, 8}).to(torch::kFloat64);
  ConversionPlan plan{{{0, unequal_map()}}, router_of(1), {}, "domains", "sum", {{0, row_EH}}};
  const auto target = converted(*source, plan);
  EXPECT_TRUE(
      torch::equal(target->named_parameters()["layers.0.router.gate.weight"].detach(), row_EH.to(torch::kFloat32)));
}

// A dense layer with biases, as BERT's. Biases begin as zeros, so other values are put in.
std::shared_ptr<Network> encoder(Table* settings) {
  *settings = fixtures::llama_settings();
  settings->set("dense", Table{{"kind", "mlp"}, {"hidden", 12}, {"activation", "gelu"}});
  auto network = fixtures::network_of(*settings, torch::kFloat64);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network->named_parameters()) {
    if (parameter.key().ends_with("bias"))
      parameter.value().copy_(torch::arange(parameter.value().numel()) * 0.1 + 0.3);
  }
  return network;
}

struct Form {
  std::string partition, combine;
  Table router;
};

// Sums of parts and means of parts that are E times as large are the whole when all experts work; so are the shared
// neurons of moebert with the rest. Biases count once.
TEST(Build, ALayerWithBiasesIsKeptByEveryForm) {
  Table settings;
  const auto source = encoder(&settings);
  const auto keys = dense_layers_of(*source)[1];
  const Table any{{"kind", "top_any"}};
  for (const auto& [partition, combine, router] : std::vector<Form>{{"contiguous", "sum", router_of(1)},
                                                                    {"contiguous", "mean", any},
                                                                    {"moefication", "sum", router_of(1)},
                                                                    {"moefication", "mean", any},
                                                                    {"copies", "sum", router_of(1)},
                                                                    {"copies", "mean", any}}) {
    PartitionInput input{keys.key_FH(), {}, {}, 3, 1, 5};
    const auto map = partitioners().make(Member(Table{{"kind", partition}}))->divide(input).map;
    ConversionPlan plan{{{1, map}}, router, {}, "random", combine};
    auto target = fixtures::network_of(converted_settings(settings, plan), torch::kFloat64);
    const auto coverage = copy_converted(state_of(*source), *target, plan);
    EXPECT_EQ(coverage.source_used, coverage.source_total);
    const auto batch = fixtures::text_batch(4, 8);
    EXPECT_LT(largest_difference(*source, *target, batch, 3), 1e-12) << partition << " " << combine;
    const bool is_any = partition == "copies" && combine == "mean";
    const double fewer = largest_difference(*source, *target, batch, 1);
    EXPECT_EQ(fewer < 1e-12, is_any) << partition << " " << combine << ": " << fewer;
    if (!is_any) continue;
    EXPECT_LT(largest_difference(*source, *target, batch, 0), 1e-12) << "as routed";
  }
}

// Neuron 0 is in all experts; its share and the bias come from the shared expert.
TEST(Build, TheSharedExpertHasTheBias) {
  Table settings;
  const auto source = encoder(&settings);
  auto map = partition_of({0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}, 3);
  map.experts_F[0] = {0, 1, 2};
  for (const char* combine : {"sum", "mean"}) {
    const Table router = std::string(combine) == "sum" ? router_of(1) : Table{{"kind", "top_any"}};
    ConversionPlan plan{{{0, map}}, router, {}, "random", combine};
    auto target = fixtures::network_of(converted_settings(settings, plan), torch::kFloat64);
    copy_converted(state_of(*source), *target, plan);
    EXPECT_LT(largest_difference(*source, *target, fixtures::text_batch(4, 8), 3), 1e-12) << combine;
    const auto parameters = target->named_parameters();
    EXPECT_EQ(parameters["layers.0.experts.1.down.bias"].abs().max().item<double>(), 0);
    EXPECT_TRUE(
        torch::equal(parameters["layers.0.shared.0.down.bias"], source->named_parameters()["layers.0.down.bias"]));
  }
}

TEST(Build, KeysMakeTheDirectionsOfTopAnyAndCopiesHaveNone) {
  Table settings;
  const auto source = encoder(&settings);
  ConversionPlan plan{
      {{0, partition_of({0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, 2)}}, Table{{"kind", "top_any"}}, {}, "keys", "mean"};
  auto target = fixtures::network_of(converted_settings(settings, plan), torch::kFloat64);
  copy_converted(state_of(*source), *target, plan);
  const auto up_FH = source->named_parameters()["layers.0.up.weight"];
  EXPECT_TRUE(torch::allclose(target->named_parameters()["layers.0.router.direction"][1].to(torch::kFloat64),
                              up_FH.narrow(0, 6, 6).mean(0), 1e-6, 1e-7));
  plan.maps[0].experts_F.assign(12, {0, 1});
  target = fixtures::network_of(converted_settings(settings, plan), torch::kFloat64);
  EXPECT_THROW(copy_converted(state_of(*source), *target, plan), Error);
}

TEST(Build, WhatDoesNotFitIsNamed) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  ConversionPlan plan{{{0, partition_of({0, 1, 1}, 2)}}, router_of(1), {}};
  EXPECT_THROW(converted(*source, plan), Error);  // a map of three neurons
  plan.maps = {{0, partition_of(std::vector<int64_t>(24, 0), 2)}};
  EXPECT_THROW(converted(*source, plan), Error);  // expert 1 has none
  plan.maps = {};
  EXPECT_THROW(converted(*source, plan), Error);
}

TEST(Build, AModelThatHasExpertsAlreadyIsRefused) {
  const ConversionPlan plan{{{1, partition_of(std::vector<int64_t>(24, 0), 1)}}, router_of(1), {}};
  auto settings = fixtures::llama_settings();
  settings.set("moe", Table{{"layers", Array{0}}});
  EXPECT_NE(fixtures::message_of<Error>([&] {
              converted_settings(settings, plan);
            }).find("expected a network without Mixture-of-Experts layers"),
            std::string::npos);
  settings.set("moe", Table{{"layers", Array{}}});
  EXPECT_NO_THROW(converted_settings(settings, plan));
}

}  // namespace
}  // namespace heterodyne::build_test
