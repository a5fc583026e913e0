#include "heterodyne/model/blocks/lora_section.h"

#include <gtest/gtest.h>

#include <set>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::lora_section_test {
namespace {

// Two layers, the second of which is a Mixture of Experts.
std::shared_ptr<Network> model_of(const Table& lora) {
  const Table experts{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}};
  const Table settings{{"kind", "llama"},
                       {"width", 8},
                       {"layers", 2},
                       {"heads", 2},
                       {"moe", Table{{"experts", Array{experts}}, {"layers", Array{1}}}},
                       {"dense", Table{{"kind", "swiglu"}, {"hidden", 12}}},
                       {"lora", lora}};
  DataShape shape;
  shape.vocabulary = shape.num_classes = 11;
  shape.length = 8;
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

std::set<std::string> learning(const Network& network) {
  std::set<std::string> names;
  for (const auto& parameter : network.named_parameters()) {
    if (parameter.value().requires_grad()) names.insert(parameter.key());
  }
  return names;
}

torch::Tensor answers(Network& network) {
  Batch batch;
  batch.inputs = torch::arange(16).remainder(11).view({2, 8});
  return network.forward(batch, nullptr).logit_BY;
}

TEST(LoraSection, OnlyCorrectionsLearnAndWhatWasNamed) {
  const auto network =
      model_of({{"rank", 2}, {"targets", Array{"blocks.0.attention.query", "layers.0.w?"}}, {"trains", "*.router.*"}});
  EXPECT_EQ(
      learning(*network),
      (std::set<std::string>{"blocks.0.attention.query.lora_a", "blocks.0.attention.query.lora_b", "layers.0.w1.lora_a",
                             "layers.0.w1.lora_b", "layers.0.w2.lora_a", "layers.0.w2.lora_b", "layers.0.w3.lora_a",
                             "layers.0.w3.lora_b", "layers.1.router.gate.weight"}));
  answers(*network).sum().backward();
  for (const auto& parameter : network->named_parameters())
    EXPECT_EQ(parameter.value().grad().defined(), parameter.value().requires_grad()) << parameter.key();
}

TEST(LoraSection, TheFirstAnswersAreThoseWithoutIt) {
  const auto plain = model_of({}), corrected = model_of({{"rank", 4}});
  EXPECT_TRUE(torch::equal(answers(*plain), answers(*corrected)));
  EXPECT_EQ(learning(*plain).size(), plain->named_parameters().size());
  EXPECT_EQ(learning(*corrected).size(), 2U * 4 * 2) << "four projections of each layer";
}

TEST(LoraSection, WhatCannotBeCorrectedIsNamed) {
  const auto refusal = [](const Table& lora) { return fixtures::message_of<ConfigError>([&] { model_of(lora); }); };
  EXPECT_NE(refusal({{"rank", 2}, {"targets", "layers.*"}})
                .find("lora.targets: expected dense projections, got \"layers.*\": layers.1.experts.0.w1 is of a layer "
                      "of experts, which run fused and take no corrections"),
            std::string::npos)
      << refusal({{"rank", 2}, {"targets", "layers.*"}});
  EXPECT_NE(refusal({{"rank", 2}, {"targets", "blocks.0.attention.qeury"}}).find("there is blocks.0.attention.query"),
            std::string::npos);
  EXPECT_NE(refusal({{"rank", 2}, {"trains", "x"}}).find("lora.trains: expected names of parameters"),
            std::string::npos);
  EXPECT_NE(refusal({{"alpha", 2.0}}).find("has no effect while rank = 0"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::lora_section_test
