#include "heterodyne/convert/build.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/convert/fixtures.h"
#include "heterodyne/convert/partitioner.h"

namespace heterodyne::build_test {
namespace {

Table router_of(int64_t k) { return Table{{"kind", "top_k"}, {"k", k}, {"weights", "one"}}; }

// Sizes 12, 7 and 5.
NeuronMap unequal_map() {
  std::vector<int64_t> expert_F;
  for (int64_t n = 0; n < 24; ++n) expert_F.push_back(n % 2 == 0 ? 0 : n < 14 ? 1 : 2);
  return partition_of(expert_F, 3);
}

std::shared_ptr<Network> converted(Network& source, const ConversionPlan& plan, Coverage* coverage = nullptr) {
  auto target = fixtures::network_of(converted_settings(fixtures::llama_settings(), plan), torch::kFloat32);
  const auto found = copy_converted(source, *target, plan);
  if (coverage) *coverage = found;
  return target;
}

TEST(Build, WithAllExpertsAtWorkTheAnswerIsTheDenseOne) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  for (const auto& maps : {std::map<int64_t, NeuronMap>{{0, unequal_map()}, {1, unequal_map()}},
                           std::map<int64_t, NeuronMap>{{1, unequal_map()}}}) {
    ConversionPlan plan{maps, router_of(1), {}};
    Coverage coverage;
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
  Coverage coverage;
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

TEST(Build, WhatDoesNotFitIsNamed) {
  const auto source = fixtures::small_llama(torch::kFloat32);
  ConversionPlan plan{{{0, partition_of({0, 1, 1}, 2)}}, router_of(1), {}};
  EXPECT_THROW(converted(*source, plan), Error);  // a map of three neurons
  plan.maps = {{0, partition_of(std::vector<int64_t>(24, 0), 2)}};
  EXPECT_THROW(converted(*source, plan), Error);  // expert 1 has none
  plan.maps = {};
  EXPECT_THROW(converted(*source, plan), Error);
}

}  // namespace
}  // namespace heterodyne::build_test
