#include "cli/view/modality_view.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heterodyne::cli::modality_view_test {
namespace {

// Of 8 assignments of image tokens 6 to expert 0, of 4 of text tokens 1.
LayerProfile layer_of(std::vector<double> shuffled) {
  LayerProfile layer;
  layer.counts = {"layers.1", {7, 5}, 12, 0, 0};
  layer.experts = {{0, "mlp", "mlp", 1, 1}, {3, "cnn", "conv1d", 1, 1}};
  layer.groups = {{"modality", {"image", "text"}, {6, 1, 2, 3}, {8, 4}, std::move(shuffled)}};
  return layer;
}

double h(double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); }

// I = H(E) - (8 H(3/4) + 4 H(1/4)) / 12 with H(E) = h(7/12); the divergence weighs both the same: h(1/2) - h(1/4).
TEST(ModalityView, SaysWhatWasWorkedByHand) {
  const auto layer = layer_of({});
  const ModalityView view(layer);
  EXPECT_NEAR(view.information.mutual, h(7.0 / 12) - h(0.25), 1e-12);
  EXPECT_NEAR(view.divergence, h(0.5) - h(0.25), 1e-12);
  EXPECT_EQ(view.share_EG, (std::vector<double>{0.75, 0.25, 0.25, 0.75}));
  const auto parts = view.parts(layer.experts);
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[0], "modality information 0.1169 nats, NMI 0.1776");
  EXPECT_EQ(parts[1], "divergence 0.1308 of 0.6931 nats");
  EXPECT_EQ(parts[2], "image: 0 mlp 75.0 %, 3 cnn 25.0 %");
  EXPECT_EQ(parts[3], "text: 0 mlp 25.0 %, 3 cnn 75.0 %");
}

TEST(ModalityView, ComparesWithModalitiesDealtOutAnew) {
  const auto clear = layer_of({0.01, 0.02}), chance = layer_of({0.1, 0.3});
  EXPECT_TRUE(ModalityView(clear).is_beyond_chance);
  EXPECT_NE(ModalityView(clear).parts(clear.experts)[0].find("(shuffled 0.01"), std::string::npos);
  EXPECT_EQ(ModalityView(chance).parts(chance.experts)[1], "not distinguishable from chance");
}

TEST(ModalityView, TellsPrograms) {
  const auto layer = layer_of({0.01, 0.02});
  const Table table = ModalityView(layer).table();
  EXPECT_EQ(*table.find_path("shares.text"), Value(Array{0.25, 0.75}));
  EXPECT_EQ(*table.find("is_beyond_chance"), Value(true));
  EXPECT_EQ(table.find("shuffled")->if_array()->size(), 2U);
}

TEST(ModalityView, IsEmptyWithoutModalities) {
  const LayerProfile layer;
  EXPECT_EQ(ModalityView(layer).modalities, nullptr);
  EXPECT_TRUE(ModalityView(layer).parts({}).empty());
}

}  // namespace
}  // namespace heterodyne::cli::modality_view_test
