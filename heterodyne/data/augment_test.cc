#include "heterodyne/data/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::augment_test {
namespace {

using fixtures::message_of;

constexpr RandomKey kKey{7, 3};

// Images of 1 channel, H x W, whose pixels are 1, 2, 3, ...
torch::Tensor counted(int64_t B, int64_t H, int64_t W) {
  return torch::arange(1, H * W + 1).to(torch::kFloat32).reshape({1, 1, H, W}).repeat({B, 1, 1, 1}).contiguous();
}

torch::Tensor changed(const Augment& augment, torch::Tensor image_BCHW, const torch::Tensor& index_B,
                      RandomKey key = kKey) {
  augment_images(augment, image_BCHW, index_B, {{-1.0F, 1.0F}}, key);
  return image_BCHW;
}

TEST(Augment, ByDefaultChangesNothing) {
  const Augment nothing;
  EXPECT_FALSE(nothing.changes_images() || nothing.mixes());
  EXPECT_TRUE(torch::equal(changed(nothing, counted(4, 3, 5), torch::arange(4)), counted(4, 3, 5)));
}

TEST(Augment, AFlipIsAMirror) {
  const auto image = changed({.flip = 1}, counted(1, 2, 3), torch::arange(1));
  EXPECT_TRUE(torch::equal(image.flatten(), torch::tensor({3.0F, 2.0F, 1.0F, 6.0F, 5.0F, 4.0F})));
}

TEST(Augment, AboutTheAskedForShareIsFlipped) {
  const auto images = changed({.flip = 0.25}, counted(4000, 1, 2), torch::arange(4000));
  const double share = images.select(3, 0).eq(2).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(share, 0.25, 4 * std::sqrt(0.25 * 0.75 / 4000)) << "four standard errors";
}

// Of a 2 x 2 image with one black pixel around it, each of the nine 2 x 2 parts.
TEST(Augment, ACropIsAPartOfThePaddedImage) {
  const auto padded = torch::full({4, 4}, -1.0F);
  padded.slice(0, 1, 3).slice(1, 1, 3).copy_(counted(1, 2, 2)[0][0]);
  const auto images = changed({.crop_padding = 1}, counted(200, 2, 2), torch::arange(200));
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t b = 0; b < 200; ++b) {
    bool is_part = false;
    for (int64_t y = 0; y < 3; ++y) {
      for (int64_t x = 0; x < 3; ++x) {
        if (!torch::equal(images[b][0], padded.slice(0, y, y + 2).slice(1, x, x + 2))) continue;
        is_part = true;
        seen.emplace(y, x);
      }
    }
    EXPECT_TRUE(is_part) << images[b];
  }
  EXPECT_EQ(seen.size(), 9U) << "every place occurs";
}

TEST(Augment, AnErasedRectangleHasAnAreaWithinItsBounds) {
  const Augment augment{.erase = 1};
  const auto images = changed(augment, counted(300, 32, 32), torch::arange(300));
  for (int64_t b = 0; b < 300; ++b) {
    const auto rows = images[b][0].eq(0).any(1).nonzero(), columns = images[b][0].eq(0).any(0).nonzero();
    ASSERT_GT(rows.numel(), 0) << "ten attempts fail once in millions at these bounds";
    const auto height = static_cast<double>(rows.numel()), width = static_cast<double>(columns.numel());
    EXPECT_EQ(images[b].eq(0).sum().item<int64_t>(), height * width) << "one rectangle";
    EXPECT_EQ(rows.max().item<int64_t>() - rows.min().item<int64_t>() + 1, height);
    // Sides are rounded: up to half a pixel each.
    EXPECT_GE((height + 0.5) * (width + 0.5), 0.02 * 1024);
    EXPECT_LE((height - 0.5) * (width - 0.5), 0.33 * 1024);
    EXPECT_LE((height - 0.5) / (width + 0.5), 1 / 0.3);
    EXPECT_GE((height + 0.5) / (width - 0.5), 0.3);
  }
}

TEST(Augment, WhatBecomesOfAnExampleDependsOnSeedEpochAndIndexAlone) {
  const Augment augment{.crop_padding = 2, .flip = 0.5, .erase = 0.5};
  const auto all = changed(augment, counted(20, 8, 8), torch::arange(20));
  const auto other_order = changed(augment, counted(3, 8, 8), torch::tensor({17, 4, 0}));
  for (const auto& [b, index] : {std::pair(0, 17), {1, 4}, {2, 0}})
    EXPECT_TRUE(torch::equal(other_order[b], all[index]));
  EXPECT_FALSE(torch::equal(changed(augment, counted(20, 8, 8), torch::arange(20), {7, 4}), all)) << "another epoch";
  EXPECT_FALSE(torch::equal(changed(augment, counted(20, 8, 8), torch::arange(20), {8, 3}), all)) << "another seed";
}

// Colours are changed between 0, black, and 1, white, wherever the network's values lie, and before anything is erased.
TEST(Augment, ColoursChangeBetweenBlackAndWhite) {
  Augment augment;
  augment.colours.grey = 1;
  auto image = torch::tensor({-2.0F, 0.0F, 2.0F}).view({1, 3, 1, 1}).contiguous();  // 0, 1/2, 1
  augment_images(augment, image, torch::arange(1), {{-2, 2}, {-2, 2}, {-2, 2}}, kKey);
  EXPECT_TRUE(torch::allclose(image, torch::full({1, 3, 1, 1}, -2 + 4 * (0.587 * 0.5 + 0.114)), 1e-6));
  augment.erase = 1, augment.erase_smallest = augment.erase_largest = 0.9;
  image = torch::ones({1, 3, 32, 32});
  augment_images(augment, image, torch::arange(1), {{-2, 2}, {-2, 2}, {-2, 2}}, kKey);
  EXPECT_EQ(image.min().item<float>(), 0) << "erased values stay as they are";
}

// A share of 0.75 leaves sides of half the image: 4 x 8 of 8 x 16. Around (4, 8) it is whole, at a corner a quarter.
TEST(CutMix, ABoxIsCutOffAtTheEdges) {
  const auto is = [](const Box& box, Box expected) {
    return box.top == expected.top && box.left == expected.left && box.height == expected.height &&
           box.width == expected.width;
  };
  EXPECT_TRUE(is(cutmix_box(0.75, 4, 8, 8, 16), {2, 4, 4, 8}));
  EXPECT_TRUE(is(cutmix_box(0.75, 0, 0, 8, 16), {0, 0, 2, 4}));
  EXPECT_TRUE(is(cutmix_box(0.75, 7, 15, 8, 16), {5, 11, 3, 5}));
  EXPECT_EQ(cutmix_box(1, 3, 3, 8, 16).area(), 0) << "nothing of the other";
  EXPECT_TRUE(is(cutmix_box(0, 4, 8, 8, 16), {0, 0, 8, 16})) << "nothing left";
}

TEST(CutMix, TheShareIsThatOfThePixelsThatAreLeft) {
  const auto index_B = torch::arange(200);
  const auto mixtures = draw_mixtures({.cutmix = 1}, index_B, 50, 8, 8, kKey);
  for (const auto& mixture : mixtures) {
    ASSERT_TRUE(mixture.is_cut);
    EXPECT_TRUE(mixture.partner >= 0 && mixture.partner < 50);
    auto image = torch::ones({1, 8, 8});
    mix_image(mixture, torch::zeros({1, 8, 8}), image);
    EXPECT_NEAR(image.mean().item<double>(), mixture.share, 1e-6);
  }
}

TEST(Mixup, AddsTheImagesByTheirShares) {
  auto image = torch::full({1, 2, 2}, 4.0F);
  mix_image({.partner = 1, .share = 0.75, .is_cut = false, .box = {}}, torch::full({1, 2, 2}, 8.0F), image);
  EXPECT_TRUE(torch::equal(image, torch::full({1, 2, 2}, 5.0F)));
}

// Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)): 0.179 for 0.2, 1/12 for 1.
TEST(Mixup, SharesAreBetaDistributed) {
  for (const double alpha : {0.2, 1.0}) {
    const auto mixtures = draw_mixtures({.mixup = 1, .mixup_alpha = alpha}, torch::arange(4000), 10, 4, 4, kKey);
    double sum = 0, squares = 0;
    for (const auto& mixture : mixtures) {
      EXPECT_FALSE(mixture.is_cut);
      sum += mixture.share / 4000;
      squares += (mixture.share - 0.5) * (mixture.share - 0.5) / 4000;
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(sum, 0.5, 4 * std::sqrt(variance / 4000)) << alpha;
    EXPECT_NEAR(squares, variance, 0.01) << alpha;
  }
}

TEST(Mixtures, AreAsFrequentAsAskedFor) {
  int64_t cut = 0, mixed = 0;
  for (const auto& mixture : draw_mixtures({.cutmix = 0.3, .mixup = 0.2}, torch::arange(4000), 10, 4, 4, kKey)) {
    cut += mixture.is_cut;
    mixed += mixture.partner >= 0 && !mixture.is_cut;
  }
  EXPECT_NEAR(static_cast<double>(cut) / 4000, 0.3, 0.03);
  EXPECT_NEAR(static_cast<double>(mixed) / 4000, 0.2, 0.03);
}

TEST(Augment, RefusesSettingsThatCannotHoldTogether) {
  EXPECT_EQ(message_of<ConfigError>([] { Augment{.erase = 1, .erase_smallest = 0.5}.check("data.x", 1, 8, 8); }),
            "[data.x] augment: erase_smallest: expected at most erase_largest = 0.33, got 0.5");
  EXPECT_EQ(message_of<ConfigError>([] { Augment{.cutmix = 0.75, .mixup = 0.5}.check("data.x", 1, 8, 8); }),
            "[data.x] augment: cutmix and mixup: expected at most 1 together, got 0.75 + 0.5; an image is mixed once");
  EXPECT_EQ(message_of<ConfigError>([] { Augment{.crop_padding = 8}.check("data.x", 1, 8, 9); }),
            "[data.x] augment: crop_padding: expected less than the 8 pixels of an image, got 8");
  EXPECT_NO_THROW(Augment{.erase_smallest = 0.5}.check("data.x", 1, 8, 8)) << "without effect";
}

// Of a ramp, bilinear parts are ramps: equal steps along a row, none larger than of the whole, all values within it.
TEST(Augment, AResizedCropShowsAPartAsLargeAsTheWhole) {
  const auto ramp = torch::arange(64).to(torch::kFloat32).view({1, 1, 1, 64}).expand({200, 1, 64, 64}).contiguous();
  const auto images = changed({.resized_crop = 0.25}, ramp.clone(), torch::arange(200));
  EXPECT_FALSE(torch::equal(images, ramp));
  EXPECT_GE(images.min().item<float>(), 0);
  EXPECT_LE(images.max().item<float>(), 63);
  const auto step = images[0][0][32][33] - images[0][0][32][32];
  EXPECT_GT(step.item<float>(), 0);
  EXPECT_LE(step.item<float>(), 1);
  EXPECT_NEAR((images[0][0][32][40] - images[0][0][32][32]).item<float>(), 8 * step.item<float>(), 1e-3);
  // Sides of at least sqrt(0.25 x 3/4) of the whole, but for the rounding.
  const auto width_B = images.select(2, 0).squeeze(1).amax(1) - images.select(2, 0).squeeze(1).amin(1);
  EXPECT_GE(width_B.min().item<float>(), 63 * std::sqrt(0.25 * 0.75) - 2);
  EXPECT_LT(width_B.min().item<float>(), 45);
}

TEST(Augment, AResizedCropDependsOnTheExampleAlone) {
  const Augment augment{.resized_crop = 0.08};
  const auto all = changed(augment, counted(4, 8, 8), torch::arange(4));
  EXPECT_TRUE(torch::equal(changed(augment, counted(1, 8, 8), torch::tensor({2}, torch::kInt64))[0], all[2]));
}

}  // namespace
}  // namespace heterodyne::augment_test
