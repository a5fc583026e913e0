// Against torchvision 0.28's functional transforms on float images.
#include "heterodyne/data/colours.h"

#include <gtest/gtest.h>

#include <functional>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::colours_test {
namespace {

using fixtures::message_of;

// 3 x 2 x 3: value i is (7 i mod 23) / 22.
std::vector<float> image() {
  std::vector<float> values;
  for (int i = 0; i < 18; ++i) values.push_back(static_cast<float>(7 * i % 23) / 22);
  return values;
}

std::vector<float> changed(const std::function<void(const RgbImage&)>& change) {
  auto values = image();
  change({values.data(), 2, 3});
  return values;
}

void expect_near(const std::vector<float>& values, const std::vector<float>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 2e-6) << i;
}

TEST(Colours, BrightnessIsAFactor) {
  expect_near(changed([](const RgbImage& image) { adjust_brightness(image, 1.3F); }),
              {0.0F, 0.413636F, 0.827273F, 1.0F, 0.295455F, 0.709091F, 1.0F, 0.177273F, 0.590909F, 1.0F, 0.059091F,
               0.472727F, 0.886364F, 1.0F, 0.354545F, 0.768182F, 1.0F, 0.236364F});
}

TEST(Colours, ContrastIsTheDistanceFromTheMeanGrey) {
  expect_near(changed([](const RgbImage& image) { adjust_contrast(image, 0.6F); }),
              {0.184246F, 0.375155F, 0.566064F, 0.756973F, 0.320609F, 0.511518F, 0.702428F, 0.266064F, 0.456973F,
               0.647882F, 0.211518F, 0.402428F, 0.593337F, 0.784246F, 0.347882F, 0.538791F, 0.7297F, 0.293337F});
  expect_near(changed([](const RgbImage& image) { adjust_contrast(image, 1.4F); }),
              {0.0F, 0.261209F, 0.706663F, 1.0F, 0.133936F, 0.579391F, 1.0F, 0.006663F, 0.452118F, 0.897572F, 0.0F,
               0.324845F, 0.7703F, 1.0F, 0.197572F, 0.643027F, 1.0F, 0.0703F});
}

TEST(Colours, SaturationIsTheDistanceFromAPixelsGrey) {
  expect_near(changed([](const RgbImage& image) { adjust_saturation(image, 1.4F); }),
              {0.0F, 0.329795F, 0.695662F, 1.0F, 0.238882F, 0.604749F, 0.975218F, 0.075249F, 0.441116F, 0.759311F, 0.0F,
               0.350204F, 0.720673F, 1.0F, 0.186571F, 0.504765F, 1.0F, 0.095658F});
}

TEST(Colours, HueTurns) {
  expect_near(changed([](const RgbImage& image) { adjust_hue(image, 0.1F); }),
              {0.0F, 0.836363F, 0.6F, 0.918182F, 0.745454F, 0.509091F, 0.527273F, 0.136364F, 0.636364F, 0.954545F,
               0.045455F, 0.545455F, 0.863636F, 1.0F, 0.272727F, 0.590909F, 0.909091F, 0.181818F});
  expect_near(changed([](const RgbImage& image) { adjust_hue(image, -0.2F); }),
              {0.354545F, 0.136364F, 0.636364F, 0.954545F, 0.045455F, 0.545455F, 0.863636F, 0.990909F, 0.272727F,
               0.590909F, 0.9F, 0.181818F, 0.0F, 1.0F, 0.527273F, 0.845454F, 0.909091F, 0.436364F});
}

TEST(Colours, GreyIsTheSameInAllChannels) {
  const std::vector<float> grey{0.584682F, 0.28915F, 0.488118F, 0.806268F, 0.19825F, 0.397218F};
  std::vector<float> expected;
  for (int c = 0; c < 3; ++c) expected.insert(expected.end(), grey.begin(), grey.end());
  expect_near(changed(make_grey), expected);
}

TEST(Colours, ABlurIsAGaussianOverAMirroredImage) {
  expect_near(changed([](const RgbImage& image) { gaussian_blur(image, 3, 0.8); }),
              {0.369491F, 0.394157F, 0.440823F, 0.389514F, 0.401155F, 0.436821F, 0.472555F, 0.342768F, 0.259005F,
               0.468553F, 0.338766F, 0.255003F, 0.790452F, 0.706689F, 0.576902F, 0.78645F, 0.702687F, 0.5729F});
}

// Factors 0.6, 1.3, 1.4 and a turn of 0.1, drawn so that contrast comes first, then brightness, hue and saturation.
TEST(Colours, JitterTakesAllFourInADrawnOrder) {
  ColourChanges changes;
  changes.jitter = 1;
  changes.jitter_hue = 0.2;
  const float draws[kColourDraws] = {0.5F, 0.875F, 0.0F, 1.0F, 0.75F, 0.6F, 0.999F, 0.1F, 0, 0, 0};
  const auto values =
      changed([&](const RgbImage& image) { change_colours(changes, {{0, 1}, {0, 1}, {0, 1}}, draws, image); });
  expect_near(values, {0.112244F, 1.0F, 0.712529F, 0.96072F, 0.943387F, 0.641616F, 0.688026F, 0.25219F, 0.752238F, 1.0F,
                       0.178987F, 0.681326F, 1.0F, 1.0F, 0.355147F, 0.603338F, 1.0F, 0.284235F});
}

TEST(Colours, HappenAsOftenAsAskedFor) {
  ColourChanges changes;
  changes.grey = 0.25;
  float draws[kColourDraws] = {};
  draws[8] = 0.25F;
  const auto change = [&](const RgbImage& image) { change_colours(changes, {{0, 1}, {0, 1}, {0, 1}}, draws, image); };
  EXPECT_EQ(changed(change), image()) << "bit for bit";
  draws[8] = 0.24F;
  EXPECT_NE(changed(change), image());
}

TEST(Colours, RefuseWhatDoesNotFitTheImages) {
  ColourChanges changes;
  EXPECT_NO_THROW(changes.check("data.x", 1, 1, 1)) << "nothing changes";
  changes.blur = 0.5;
  EXPECT_EQ(message_of<ConfigError>([&] { changes.check("data.x", 1, 8, 8); }),
            "[data.x] augment: jitter, grey and blur: expected images of 3 channels, got 1");
  changes.blur_kernel = 17;
  EXPECT_EQ(message_of<ConfigError>([&] { changes.check("data.x", 3, 8, 9); }),
            "[data.x] augment: blur_kernel: expected an odd number up to 15, got 17");
  changes.blur_kernel = 4;
  EXPECT_THROW(changes.check("data.x", 3, 8, 8), ConfigError);
  changes.blur_smallest = 3;
  EXPECT_EQ(message_of<ConfigError>([&] { changes.check("data.x", 3, 8, 8); }),
            "[data.x] augment: blur_smallest: expected at most blur_largest = 2, got 3");
}

}  // namespace
}  // namespace heterodyne::colours_test
