#include "heterodyne/convert/dense_layers.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/convert/fixtures.h"

namespace heterodyne::dense_layers_test {
namespace {

TEST(DenseLayers, AreThoseWithoutExperts) {
  const auto dense = fixtures::small_llama(torch::kFloat32);
  const auto all = dense_layers_of(*dense);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].name, "layers.1");
  EXPECT_EQ(all[1].index, 1);
  EXPECT_EQ(all[1].num_neurons(), 24);
  auto settings = fixtures::llama_settings();
  const Array experts{Table{{"kind", "swiglu"}, {"hidden", 8}, {"count", 2}}};
  settings.set("moe",
               Table{{"experts", experts}, {"layers", Array{0}}, {"router", Table{{"kind", "top_k"}, {"k", 1}}}});
  const auto mixed = dense_layers_of(*fixtures::network_of(settings, torch::kFloat32));
  ASSERT_EQ(mixed.size(), 1U);
  EXPECT_EQ(mixed[0].index, 1);
}

// What the taps see, put through the layer's own values, is what the layer added to its input.
TEST(DenseLayers, APassShowsWhatGoesInAndComesOut) {
  const auto network = fixtures::small_llama(torch::kFloat64);
  const auto layers = dense_layers_of(*network);
  const auto batch = fixtures::text_batch(2, 5);
  const auto pass = tapped_pass(*network, batch, layers);
  ASSERT_EQ(pass.layers.size(), 2U);
  torch::Tensor block_BSH;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    if (name == "blocks.1") block_BSH = value;
  };
  network->forward(batch, &log);
  const auto h_TF = hidden_values(layers[1], pass.layers[1].input_TH).h_TF;
  const auto answer_TH = h_TF.matmul(layers[1].part.down_OF.t());
  EXPECT_TRUE(torch::allclose(block_BSH + answer_TH.view({2, 5, 8}), pass.layers[1].output_BSH, 1e-9, 1e-12));
  EXPECT_TRUE(pass.layers[0].output_BSH.requires_grad());
  EXPECT_FALSE(pass.layers[0].input_TH.requires_grad());
}

TEST(DenseLayers, TheKeysOfALayerWithoutGateAreItsFirstMatrix) {
  auto settings = fixtures::llama_settings();
  settings.set("dense", Table{{"kind", "mlp"}, {"hidden", 6}});
  const auto network = fixtures::network_of(settings, torch::kFloat32);
  const auto all = dense_layers_of(*network);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].is_gated());
  EXPECT_TRUE(torch::equal(all[0].key_FH(), network->named_parameters()["layers.0.up.weight"]));
  EXPECT_TRUE(dense_layers_of(*fixtures::small_llama(torch::kFloat32))[0].is_gated());
}

TEST(DenseLayers, ANetworkWithoutAnyIsRefused) {
  auto settings = fixtures::llama_settings();
  settings.set("dense", Table{{"kind", "linear"}});
  EXPECT_THROW(dense_layers_of(*fixtures::network_of(settings, torch::kFloat32)), Error);
}

}  // namespace
}  // namespace heterodyne::dense_layers_test
