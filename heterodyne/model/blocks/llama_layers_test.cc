#include "heterodyne/model/blocks/llama_layers.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::llama_layers_test {
namespace {

LlamaLayersOptions small() {
  LlamaLayersOptions options;
  options.width = 8, options.layers = 2, options.heads = 2;
  options.dense = Member(Table{{"kind", "swiglu"}, {"hidden", 16}});
  return options;
}

torch::Tensor answer(const LlamaLayers& layers, const torch::Tensor& x_BSD, const Batch& batch = {}) {
  MoePass moe(batch, nullptr);
  return layers.forward(x_BSD, batch, moe, nullptr).x_BSD;
}

TEST(LlamaLayers, RegistersItsPartsInTheParent) {
  torch::nn::Module parent;
  const LlamaLayers layers(parent, small(), {1, ""});
  const auto names = parent.named_parameters().keys();
  for (const auto* name : {"blocks.0.attention.query.weight", "blocks.1.feed_forward_norm.weight"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

// A layer has 4 x 64 for projections, 2 x 8 for each key and 3 x 8 x 16; five tokens that see three keys each.
TEST(LlamaLayers, CountsItsWork) {
  torch::nn::Module parent;
  EXPECT_EQ(LlamaLayers(parent, small(), {1, ""}).cost({}, {5, 5, 3}).executed.macs, 2 * 5 * (256 + 48 + 384));
}

TEST(LlamaLayers, ATokenSeesNoneOfTheLaterOnes) {
  torch::nn::Module parent;
  const LlamaLayers layers(parent, small(), {1, ""});
  const auto x_BSD = fixtures::normal("x", {2, 5, 8});
  auto other_BSD = x_BSD.clone();
  other_BSD.select(1, 4) += 1;
  const auto a = answer(layers, x_BSD), b = answer(layers, other_BSD);
  EXPECT_TRUE(torch::allclose(a.narrow(1, 0, 4), b.narrow(1, 0, 4)));
  EXPECT_FALSE(torch::allclose(a.select(1, 4), b.select(1, 4)));
  EXPECT_EQ(layers.leak(), "");
}

TEST(LlamaLayers, WhatIsCarriedInMustFit) {
  torch::nn::Module parent;
  const LlamaLayers layers(parent, small(), {1, ""});
  Batch batch;
  batch.keeps_past = true;
  batch.carry = {torch::zeros({1})};
  EXPECT_THROW(answer(layers, torch::zeros({1, 2, 8}), batch), ShapeError);
}

TEST(LlamaLayers, SayWhyTheyAreNotCausal) {
  auto options = small();
  options.moe.experts = {Member(Table{{"kind", "mlp"}, {"count", 2}})};
  options.moe.router = Member(Table{{"kind", "expert_choice"}});
  torch::nn::Module parent;
  EXPECT_EQ(LlamaLayers(parent, options, {1, ""}).leak(),
            "layers.0: router \"expert_choice\" lets later tokens decide about earlier ones");
}

}  // namespace
}  // namespace heterodyne::llama_layers_test
