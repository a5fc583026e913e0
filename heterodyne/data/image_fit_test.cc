#include "heterodyne/data/image_fit.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::image_fit_test {
namespace {

// One grey image of 2 x 2 pixels: 0 40 over 80 120.
ImageSet small() {
  ImageSet images;
  images.pixel_NCHW = torch::tensor({0, 40, 80, 120}, torch::kUInt8).view({1, 1, 2, 2});
  images.label_N = torch::zeros({1}, torch::kInt64);
  return images;
}

// Twice the size: centres of new pixels lie a quarter and three quarters of the way, 0 10 30 40 along the first row.
TEST(ImageFit, ResizesBetweenTheCentresOfPixels) {
  const auto pixels = ImageFit{4, 0}.apply(small()).pixel_NCHW;
  const auto expected =
      torch::tensor({{0, 10, 30, 40}, {20, 30, 50, 60}, {60, 70, 90, 100}, {80, 90, 110, 120}}, torch::kUInt8);
  EXPECT_TRUE(torch::equal(pixels[0][0], expected)) << pixels;
}

TEST(ImageFit, RepeatsGreyImagesInEachChannel) {
  const auto pixels = ImageFit{0, 3}.apply(small()).pixel_NCHW;
  EXPECT_EQ(pixels.sizes(), (std::vector<int64_t>{1, 3, 2, 2}));
  for (int64_t c = 0; c < 3; ++c) EXPECT_TRUE(torch::equal(pixels[0][c], small().pixel_NCHW[0][0]));
  EXPECT_TRUE(pixels.is_contiguous());
}

TEST(ImageFit, ByDefaultLeavesImagesAsTheyAre) {
  const ImageFit none;
  EXPECT_TRUE(torch::equal(none.apply(small()).pixel_NCHW, small().pixel_NCHW));
  EXPECT_EQ(none.shape({1, 28, 28, 10}, "data.mnist").width, 28);
}

TEST(ImageFit, TellsTheShapeAndTheNormalisation) {
  const ImageFit fit{32, 3};
  const auto shape = fit.shape({1, 28, 28, 10}, "data.mnist");
  EXPECT_EQ(shape.channels, 3);
  EXPECT_EQ(shape.height, 32);
  EXPECT_EQ(fit.normalize({{0.5}, {0.25}}).mean, (std::vector<double>{0.5, 0.5, 0.5}));
  EXPECT_EQ(fit.normalize({{0.5, 0.4, 0.3}, {0.25}}).mean, (std::vector<double>{0.5, 0.4, 0.3}));
}

TEST(ImageFit, ColourImagesKeepTheirChannels) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { ImageFit{0, 2}.shape({3, 32, 32, 10}, "data.svhn"); }),
            "[data.svhn] fit.channels: expected 0 or 3, as the images have, got 2");
}

}  // namespace
}  // namespace heterodyne::image_fit_test
