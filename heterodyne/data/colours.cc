#include "heterodyne/data/colours.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

constexpr int64_t kChannels = 3;

float inside(float value) { return std::clamp(value, 0.0F, 1.0F); }

float luma(const RgbImage& image, int64_t i) {
  return 0.2989F * image.plane(0)[i] + 0.587F * image.plane(1)[i] + 0.114F * image.plane(2)[i];
}

// Hue as a share of the circle, saturation, value.
struct Hsv {
  float hue, saturation, value;
};

Hsv hsv_of(float red, float green, float blue) {
  const float most = std::max({red, green, blue}), range = most - std::min({red, green, blue});
  if (range == 0) return {0, 0, most};
  float sixth = 0;  // of the circle, from red
  if (most == red) sixth = (green - blue) / range;
  else if (most == green) sixth = 2 + (blue - red) / range;
  else sixth = 4 + (red - green) / range;
  return {std::fmod(sixth / 6 + 1, 1.0F), range / most, most};
}

std::array<float, kChannels> rgb_of(const Hsv& colour) {
  const float sixths = colour.hue * 6, whole = std::floor(sixths), rest = sixths - whole;
  const float v = colour.value, low = inside(v * (1 - colour.saturation)),
              falling = inside(v * (1 - colour.saturation * rest)),
              rising = inside(v * (1 - colour.saturation * (1 - rest)));
  switch (static_cast<int>(whole) % 6) {
    case 0:
      return {v, rising, low};
    case 1:
      return {falling, v, low};
    case 2:
      return {low, v, rising};
    case 3:
      return {low, falling, v};
    case 4:
      return {rising, low, v};
    default:
      return {v, low, falling};
  }
}

float drawn_factor(double most, float draw) {
  return static_cast<float>(std::lerp(std::max(0.0, 1 - most), 1 + most, static_cast<double>(draw)));
}

// `draws`: four values, then three for the order (Fisher and Yates).
void jitter(const ColourChanges& by, const float* draws, const RgbImage& image) {
  std::array<int, 4> order{0, 1, 2, 3};
  for (size_t i = 3; i > 0; --i) {
    const auto other = static_cast<size_t>(draws[7 - i] * static_cast<float>(i + 1));
    std::swap(order[i], order[std::min(other, i)]);
  }
  for (const int which : order) {
    if (which == 0) adjust_brightness(image, drawn_factor(by.jitter_brightness, draws[0]));
    if (which == 1) adjust_contrast(image, drawn_factor(by.jitter_contrast, draws[1]));
    if (which == 2) adjust_saturation(image, drawn_factor(by.jitter_saturation, draws[2]));
    if (which == 3) adjust_hue(image, static_cast<float>(by.jitter_hue * (2 * static_cast<double>(draws[3]) - 1)));
  }
}

// The place that a pixel outside has in the mirror.
int64_t mirrored(int64_t at, int64_t size) {
  if (at < 0) at = -at;
  return at < size ? at : 2 * (size - 1) - at;
}

}  // namespace

void adjust_brightness(const RgbImage& image, float factor) {
  for (int64_t i = 0; i < kChannels * image.pixels(); ++i) image.values[i] = inside(factor * image.values[i]);
}

void adjust_contrast(const RgbImage& image, float factor) {
  double sum = 0;
  for (int64_t i = 0; i < image.pixels(); ++i) sum += static_cast<double>(luma(image, i));
  const float mean = static_cast<float>(sum / static_cast<double>(image.pixels()));
  for (int64_t i = 0; i < kChannels * image.pixels(); ++i)
    image.values[i] = inside(factor * image.values[i] + (1 - factor) * mean);
}

void adjust_saturation(const RgbImage& image, float factor) {
  for (int64_t i = 0; i < image.pixels(); ++i) {
    const float grey = luma(image, i);
    for (int64_t c = 0; c < kChannels; ++c)
      image.plane(c)[i] = inside(factor * image.plane(c)[i] + (1 - factor) * grey);
  }
}

void adjust_hue(const RgbImage& image, float turn) {
  for (int64_t i = 0; i < image.pixels(); ++i) {
    Hsv colour = hsv_of(image.plane(0)[i], image.plane(1)[i], image.plane(2)[i]);
    colour.hue += turn;
    colour.hue -= std::floor(colour.hue);
    const auto rgb = rgb_of(colour);
    for (int64_t c = 0; c < kChannels; ++c) image.plane(c)[i] = rgb[static_cast<size_t>(c)];
  }
}

void make_grey(const RgbImage& image) {
  for (int64_t i = 0; i < image.pixels(); ++i) {
    const float grey = luma(image, i);
    for (int64_t c = 0; c < kChannels; ++c) image.plane(c)[i] = grey;
  }
}

void gaussian_blur(const RgbImage& image, int64_t kernel, double sigma) {
  const int64_t H = image.height, W = image.width, half = kernel / 2;
  std::vector<float> share(static_cast<size_t>(kernel));
  double sum = 0;
  for (int64_t k = -half; k <= half; ++k) sum += std::exp(-0.5 * std::pow(static_cast<double>(k) / sigma, 2));
  for (int64_t k = -half; k <= half; ++k)
    share[static_cast<size_t>(k + half)] =
        static_cast<float>(std::exp(-0.5 * std::pow(static_cast<double>(k) / sigma, 2)) / sum);
  std::vector<float> copy(static_cast<size_t>(image.pixels()));
  // Along rows into the copy, along columns back.
  for (int64_t c = 0; c < kChannels; ++c) {
    float* plane = image.plane(c);
    for (int64_t y = 0; y < H; ++y) {
      for (int64_t x = 0; x < W; ++x) {
        float value = 0;
        for (int64_t k = 0; k < kernel; ++k)
          value += share[static_cast<size_t>(k)] * plane[y * W + mirrored(x + k - half, W)];
        copy[static_cast<size_t>(y * W + x)] = value;
      }
    }
    for (int64_t y = 0; y < H; ++y) {
      for (int64_t x = 0; x < W; ++x) {
        float value = 0;
        for (int64_t k = 0; k < kernel; ++k)
          value += share[static_cast<size_t>(k)] * copy[static_cast<size_t>(mirrored(y + k - half, H) * W + x)];
        plane[y * W + x] = inside(value);
      }
    }
  }
}

void ColourChanges::visit(Fields& field) {
  field("jitter", jitter, "share of the images whose brightness, contrast, saturation and hue change, in any order",
        share());
  const auto with_jitter = effective_when(jitter > 0, "jitter = 0");
  field("jitter_brightness", jitter_brightness, "the factor is between 1 less this, at least 0, and 1 and this",
        at_least(0), with_jitter);
  field("jitter_contrast", jitter_contrast, "the same of the contrast", at_least(0), with_jitter);
  field("jitter_saturation", jitter_saturation, "the same of the saturation", at_least(0), with_jitter);
  field("jitter_hue", jitter_hue, "share of the circle by which the hue turns at most, either way", between(0, 0.5),
        with_jitter);
  field("grey", grey, "share of the images that lose their colours", share());
  field("blur", blur, "share of the images that are blurred with a Gaussian", share());
  const auto with_blur = effective_when(blur > 0, "blur = 0");
  field("blur_kernel", blur_kernel, "pixels along a side of the blur's kernel, odd", at_least(1), with_blur);
  field("blur_smallest", blur_smallest, "smallest standard deviation of the blur, pixels", more_than(0), with_blur);
  field("blur_largest", blur_largest, "largest standard deviation of the blur, pixels", more_than(0), with_blur);
}

void ColourChanges::check(const std::string& where, int64_t channels, int64_t height, int64_t width) const {
  const auto refuse = [&](const std::string& message) { throw ConfigError(where, "augment", message); };
  if (changes_images() && channels != kChannels)
    refuse(fmt::format("jitter, grey and blur: expected images of {} channels, got {}", kChannels, channels));
  if (blur == 0) return;
  if (blur_smallest > blur_largest)
    refuse(fmt::format("blur_smallest: expected at most blur_largest = {}, got {}", blur_largest, blur_smallest));
  const int64_t most = 2 * std::min(height, width) - 1;
  if (blur_kernel % 2 == 0 || blur_kernel > most)
    refuse(fmt::format("blur_kernel: expected an odd number up to {}, got {}", most, blur_kernel));
}

void change_colours(const ColourChanges& changes, const std::vector<PixelRange>& range_C, const float* draws,
                    const RgbImage& image) {
  const auto happens = [&](int64_t draw, double share) { return static_cast<double>(draws[draw]) < share; };
  const bool is_jittered = happens(0, changes.jitter), is_grey = happens(8, changes.grey),
             is_blurred = happens(9, changes.blur);
  if (!is_jittered && !is_grey && !is_blurred) return;
  std::vector<float> values(static_cast<size_t>(kChannels * image.pixels()));
  const RgbImage plain{values.data(), image.height, image.width};
  for (int64_t c = 0; c < kChannels; ++c) {
    const auto [black, white] = range_C[static_cast<size_t>(c)];
    for (int64_t i = 0; i < image.pixels(); ++i)
      plain.plane(c)[i] = inside((image.plane(c)[i] - black) / (white - black));
  }
  if (is_jittered) jitter(changes, draws + 1, plain);
  if (is_grey) make_grey(plain);
  if (is_blurred) {
    const double sigma = std::lerp(changes.blur_smallest, changes.blur_largest, static_cast<double>(draws[10]));
    gaussian_blur(plain, changes.blur_kernel, sigma);
  }
  for (int64_t c = 0; c < kChannels; ++c) {
    const auto [black, white] = range_C[static_cast<size_t>(c)];
    for (int64_t i = 0; i < image.pixels(); ++i) image.plane(c)[i] = black + plain.plane(c)[i] * (white - black);
  }
}

}  // namespace heterodyne
