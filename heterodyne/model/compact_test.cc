#include "heterodyne/model/compact.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/network.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::compact_test {
namespace {

// A small LLaMA with a layer of experts, over 50 symbols.
std::shared_ptr<Network> language_model() {
  const Table moe{{"layers", Array{1}},
                  {"router", Table{{"kind", "top_k"}, {"k", 2}}},
                  {"experts", Array{Table{{"kind", "swiglu"}, {"hidden", 40}, {"count", 3}},
                                    Table{{"kind", "mlp"}, {"hidden", 70}, {"count", 2}}}}};
  const Table settings{{"kind", "llama"},
                       {"width", 48},
                       {"heads", 4},
                       {"layers", 2},
                       {"dense", Table{{"kind", "swiglu"}, {"hidden", 90}}},
                       {"moe", moe}};
  DataShape shape;
  shape.vocabulary = 50;
  shape.length = 16;
  const auto network = networks().make(Member(settings), NetworkContext{shape, 1});
  network->eval();
  return network;
}

torch::Tensor answer(Network& network) {
  const torch::NoGradGuard no_grad;
  Batch batch;
  batch.inputs = torch::arange(24).remainder(50).view({2, 12});
  return network.forward(batch, nullptr).logit_BY;
}

TEST(CompactWeights, AnswersStayCloseOnEveryPath) {
  const auto before = ops::isa();
  for (const auto isa : ops::available_isas()) {
    ops::set_isa(isa);
    const auto expected = answer(*language_model());
    for (const auto format : ops::compact_formats()) {
      const auto network = language_model();
      const auto report = compact_weights(*network, format);
      const double difference = ((answer(*network) - expected).norm() / expected.norm()).item<double>();
      EXPECT_LT(difference, 0.05) << ops::name_of(isa) << ", " << ops::name_of(format);
      EXPECT_GT(difference, 1e-6) << "something was rounded";
      EXPECT_GT(report.num_matrices, 10);
    }
  }
  ops::set_isa(before);
}

TEST(CompactWeights, MemoryFallsAndShapesStay) {
  const auto network = language_model(), other = language_model();
  const auto report = compact_weights(*network, ops::Compact::kInt8);
  EXPECT_LT(report.bytes_after, report.bytes_before / 2) << "small matrices are filled up";
  EXPECT_EQ(num_params(*network), num_params(*other));
  int64_t held = 0;
  for (const auto& parameter : network->parameters()) held += static_cast<int64_t>(parameter.storage().nbytes());
  EXPECT_LT(held, report.bytes_before / 4) << "of what was float32";
  EXPECT_TRUE(network->named_parameters()["embedding.weight"].isnan().all().item<bool>()) << "no value is left";
}

TEST(CompactWeights, RoutersDecideAsBefore) {
  const auto network = language_model(), other = language_model();
  compact_weights(*network, ops::Compact::kInt8);
  for (const auto& parameter : network->named_parameters()) {
    if (parameter.key().find("router") == std::string::npos) continue;
    EXPECT_TRUE(torch::equal(parameter.value(), other->named_parameters()[parameter.key()])) << parameter.key();
  }
}

// Everything but norms and routers is frozen. The reference holds the rounded values in float32.
TEST(CompactWeights, OthersLearnThroughThem) {
  const auto before = ops::isa();
  for (const auto isa : ops::available_isas()) {
    ops::set_isa(isa);
    const auto network = language_model(), reference = language_model();
    for (const auto& one : {network, reference}) {
      for (auto& parameter : one->named_parameters()) {
        const bool learns =
            parameter.key().find("norm") != std::string::npos || parameter.key().find("router") != std::string::npos;
        parameter.value().requires_grad_(learns);
      }
    }
    const auto report = compact_weights(*network, ops::Compact::kBf16, CompactScope::kFrozen);
    EXPECT_GT(report.num_matrices, 10);
    {
      const torch::NoGradGuard no_grad;
      for (const auto& [name, weight] : weights_of(*network)) {
        auto place = reference->named_parameters()[name];
        if (weight->compact_matrix()) place.copy_(place.to(torch::kBFloat16));
      }
    }
    Batch batch;
    batch.inputs = torch::arange(24).remainder(50).view({2, 12});
    for (const auto& one : {network, reference}) one->forward(batch, nullptr).logit_BY.square().sum().backward();
    int64_t compared = 0;
    for (const auto& parameter : reference->named_parameters()) {
      const auto expected = parameter.value().grad(), got = network->named_parameters()[parameter.key()].grad();
      EXPECT_EQ(expected.defined(), got.defined()) << parameter.key();
      if (!expected.defined() || !got.defined()) continue;
      ++compared;
      // Rows may be rounded to bfloat16 as well.
      EXPECT_LT((got - expected).norm().item<double>(), 0.03 * expected.norm().item<double>()) << parameter.key();
    }
    EXPECT_GE(compared, 6);
  }
  ops::set_isa(before);
}

// The experts of a layer run in one call, in which none learns beside compact ones.
TEST(CompactWeights, AnExpertThatLearnsKeepsItsLayerAsItIs) {
  const auto network = language_model();
  for (auto& parameter : network->named_parameters())
    parameter.value().requires_grad_(parameter.key().find(".experts.0.") != std::string::npos);
  compact_weights(*network, ops::Compact::kBf16, CompactScope::kFrozen);
  int64_t num_compact = 0;
  for (const auto& [name, weight] : weights_of(*network)) {
    num_compact += weight->compact_matrix() != nullptr;
    EXPECT_TRUE(name.find(".experts.") == std::string::npos || weight->compact_matrix() == nullptr) << name;
  }
  EXPECT_GT(num_compact, 5) << "of the dense layer, attention and the embedding";
  Batch batch;
  batch.inputs = torch::arange(24).remainder(50).view({2, 12});
  network->forward(batch, nullptr).logit_BY.sum().backward();
  EXPECT_TRUE(network->named_parameters()["layers.1.experts.0.w1.weight"].grad().defined());
}

TEST(CompactWeights, WhatLearnsStaysAsItIs) {
  const auto network = language_model();
  for (auto& parameter : network->named_parameters())
    parameter.value().requires_grad_(parameter.key() == "head.weight");
  compact_weights(*network, ops::Compact::kBf16, CompactScope::kFrozen);
  for (const auto& [name, weight] : weights_of(*network)) {
    const bool stays = name == "head.weight" || name.find("router") != std::string::npos;
    EXPECT_EQ(weight->compact_matrix() == nullptr, stays) << name;
  }
}

// The reference holds rounded values in float32, and its gradients are those of the values that learn.
TEST(RoundProducts, LearnAsWhatIsRoundedOnEveryPath) {
  const auto before = ops::isa();
  for (const auto isa : ops::available_isas()) {
    ops::set_isa(isa);
    const auto network = language_model(), reference = language_model(), untouched = language_model();
    EXPECT_GT(round_products(*network, ops::Compact::kBf16), 10);
    {
      const torch::NoGradGuard no_grad;
      for (const auto& [name, weight] : weights_of(*network)) {
        auto place = reference->named_parameters()[name];
        if (weight->is_rounded()) place.copy_(place.to(torch::kBFloat16));
        EXPECT_EQ(weight->is_rounded(), name.find("router") == std::string::npos && name != "embedding.weight") << name;
      }
    }
    Batch batch;
    batch.inputs = torch::arange(24).remainder(50).view({2, 12});
    for (const auto& one : {network, reference}) one->forward(batch, nullptr).logit_BY.square().sum().backward();
    for (const auto& parameter : reference->named_parameters()) {
      const auto expected = parameter.value().grad(), got = network->named_parameters()[parameter.key()].grad();
      ASSERT_EQ(expected.defined(), got.defined()) << parameter.key();
      // Rows may be rounded to bfloat16 as well.
      if (expected.defined()) {
        EXPECT_LT((got - expected).norm().item<double>(), 0.03 * expected.norm().item<double>()) << parameter.key();
      }
      EXPECT_TRUE(
          torch::equal(network->named_parameters()[parameter.key()], untouched->named_parameters()[parameter.key()]));
    }
  }
  ops::set_isa(before);
}

TEST(CompactWeights, AreMadeOfFloat32) {
  const auto network = language_model();
  network->to(torch::kFloat64);
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { compact_weights(*network, ops::Compact::kBf16); }),
            "embedding.weight: expected a model in float32 to make it bf16, got Double");
}

}  // namespace
}  // namespace heterodyne::compact_test
