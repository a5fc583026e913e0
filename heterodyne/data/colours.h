// Colours: what becomes of an image's colours at random, as torchvision's transforms ColorJitter, RandomGrayscale and
// GaussianBlur do it.
//
// Letters: C channels, H x W pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/fields.h"

namespace heterodyne {

/// Three planes of H x W values in 0 .. 1: red, green, blue.
struct RgbImage {
  float* values;
  int64_t height, width;
  int64_t pixels() const { return height * width; }
  float* plane(int64_t c) const { return values + c * pixels(); }
};

/// Each in place; values stay in 0 .. 1. A factor of 1 changes nothing, one of 0 leaves black, the mean grey, or grey.
void adjust_brightness(const RgbImage& image, float factor);
void adjust_contrast(const RgbImage& image, float factor);
void adjust_saturation(const RgbImage& image, float factor);
/// Turns the hue by this share of the whole circle.
void adjust_hue(const RgbImage& image, float turn);
/// Luma in all three planes: 0.2989 red + 0.587 green + 0.114 blue.
void make_grey(const RgbImage& image);
/// `kernel` pixels along each side, odd, at most 2 min(H, W) - 1; the image is continued as in a mirror at its edges.
void gaussian_blur(const RgbImage& image, int64_t kernel, double sigma);

/// Values of a black and of a white pixel of a channel.
struct PixelRange {
  float black, white;
};

/// Settings. The default changes nothing.
struct ColourChanges {
  double jitter = 0;
  double jitter_brightness = 0.4;
  double jitter_contrast = 0.4;
  double jitter_saturation = 0.4;
  double jitter_hue = 0.1;
  double grey = 0;
  double blur = 0;
  int64_t blur_kernel = 3;
  double blur_smallest = 0.1;
  double blur_largest = 2;
  void visit(Fields& field);

  /// Throws ConfigError about `augment` of `where`: images without three channels, a kernel that is even or too large
  /// for them, blur_smallest above blur_largest.
  void check(const std::string& where, int64_t channels, int64_t height, int64_t width) const;
  bool changes_images() const { return jitter > 0 || grey > 0 || blur > 0; }
};

/// Uniform draws that an image needs.
constexpr int64_t kColourDraws = 11;
/// Changes an image whose channels have the ranges range_C. Jitter takes brightness, contrast, saturation and hue in a
/// drawn order; then come grey and blur.
void change_colours(const ColourChanges& changes, const std::vector<PixelRange>& range_C, const float* draws,
                    const RgbImage& image);

}  // namespace heterodyne
