#include "heterodyne/model/blocks/vit_layers.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::vit_layers_test {
namespace {

VitLayersOptions small() {
  VitLayersOptions options;
  options.width = 8, options.layers = 2, options.heads = 2;
  options.dense = Member(Table{{"kind", "mlp"}, {"hidden", 16}});
  return options;
}

TEST(VitLayers, RegistersItsPartsInTheParent) {
  torch::nn::Module parent;
  const VitLayers layers(parent, small(), {1, "encoder"});
  const auto names = parent.named_parameters().keys();
  for (const auto* name : {"blocks.0.attention.query.weight", "blocks.1.feed_forward_norm.bias", "layers.1.up.weight"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

// Three tokens: a layer has 4 x 64 for projections, 2 x 3 x 8 for the attention and 2 x 8 x 16 for each.
TEST(VitLayers, CountsItsWork) {
  torch::nn::Module parent;
  EXPECT_EQ(VitLayers(parent, small(), {1, ""}).cost({}, 3).executed.macs, 2 * 3 * (256 + 48 + 256));
}

// Where attention and feed-forward part answer zero, what comes out is what came in.
TEST(VitLayers, HaveAResidualAroundEachPart) {
  torch::nn::Module parent;
  const VitLayers layers(parent, small(), {1, ""});
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : parent.named_parameters()) {
      const std::string& name = parameter.key();
      if (name.find("output") != std::string::npos || name.find("down") != std::string::npos) parameter->zero_();
    }
  }
  const Batch batch;
  MoePass moe(batch, nullptr);
  const auto x_BSD = fixtures::normal("x", {2, 3, 8});
  std::vector<std::string> seen;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor&) { seen.push_back(name); };
  EXPECT_TRUE(torch::equal(layers.forward(x_BSD, {1, 1}, moe, &log), x_BSD));
  EXPECT_EQ(seen, (std::vector<std::string>{"blocks.0", "layers.0", "blocks.1", "layers.1"}));
}

TEST(VitLayers, MixExpertsWhereTheyAreTold) {
  auto options = small();
  options.moe.layers = {1};
  options.moe.experts = {Member(Table{{"kind", "mlp"}, {"count", 2}})};
  torch::nn::Module parent;
  const VitLayers layers(parent, options, {1, ""});
  ASSERT_EQ(layers.moe_layers().size(), 1U);
  EXPECT_EQ(layers.moe_layers()[0]->layer_name(), "layers.1");
  options.moe.layers = {2};
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { VitLayers(parent, options, {1, ""}); }),
            "[model] moe.layers: expected indices below layers = 2, got 2");
}

}  // namespace
}  // namespace heterodyne::vit_layers_test
