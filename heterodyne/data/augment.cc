#include "heterodyne/data/augment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

constexpr int64_t kBoxAttempts = 10;
constexpr int64_t kDrawsOfAttempt = 4;  // area, aspect, top, left
constexpr int64_t kBoxDraws = kBoxAttempts * kDrawsOfAttempt;
constexpr int64_t kShareAttempts = 32;
constexpr double kCropAspect = 4.0 / 3;  // largest ratio of a resized crop's sides

// A whole number in [0, bound) from a uniform draw.
int64_t whole(float uniform, int64_t bound) {
  return std::min(static_cast<int64_t>(static_cast<double>(uniform) * static_cast<double>(bound)), bound - 1);
}

// The cut-out of the padded image that begins `dy`, `dx` pixels from its corner, perhaps seen in a mirror.
struct Shift {
  int64_t dy = 0, dx = 0, padding = 0;
  bool is_flipped = false;
  bool is_nothing() const { return dy == padding && dx == padding && !is_flipped; }
};

void shift_plane(const Shift& shift, float black, int64_t H, int64_t W, std::vector<float>& copy, float* plane) {
  copy.assign(plane, plane + H * W);
  for (int64_t y = 0; y < H; ++y) {
    const int64_t from_y = y + shift.dy - shift.padding;
    for (int64_t x = 0; x < W; ++x) {
      const int64_t from_x = (shift.is_flipped ? W - 1 - x : x) + shift.dx - shift.padding;
      const bool is_inside = from_y >= 0 && from_y < H && from_x >= 0 && from_x < W;
      plane[y * W + x] = is_inside ? copy[static_cast<size_t>(from_y * W + from_x)] : black;
    }
  }
}

// Bounds of a rectangle's share of the area, the largest ratio of its sides, and how large it may be.
struct BoxBounds {
  double smallest, largest, aspect;
  int64_t most_height, most_width;
};

// An area and an aspect until the rectangle fits; an empty one after ten failures.
Box drawn_box(const BoxBounds& bounds, const float* draws, int64_t H, int64_t W) {
  const double bound = std::log(bounds.aspect);
  for (int64_t i = 0; i < kBoxAttempts; ++i, draws += kDrawsOfAttempt) {
    const double share = bounds.smallest + draws[0] * (bounds.largest - bounds.smallest);
    const double area = share * static_cast<double>(H * W),
                 aspect = std::exp(bound * (1 - 2 * static_cast<double>(draws[1])));
    const auto height = std::llround(std::sqrt(area * aspect)), width = std::llround(std::sqrt(area / aspect));
    if (height < 1 || width < 1 || height > bounds.most_height || width > bounds.most_width) continue;
    return {whole(draws[2], H - height + 1), whole(draws[3], W - width + 1), height, width};
  }
  return {};
}

// What a pixel of the plane sees of the box along one side: two places and the share of the second.
struct Between {
  int64_t low, high;
  float share;
};
Between between_of(int64_t pixel, int64_t pixels, int64_t begin, int64_t length) {
  const double at =
      std::clamp((static_cast<double>(pixel) + 0.5) * static_cast<double>(length) / static_cast<double>(pixels) - 0.5,
                 0.0, static_cast<double>(length - 1));
  const auto low = static_cast<int64_t>(at);
  return {begin + low, begin + std::min(low + 1, length - 1), static_cast<float>(at - static_cast<double>(low))};
}

// The box brought to the size of the plane, bilinear.
void enlarge(const Box& box, int64_t H, int64_t W, std::vector<float>& copy, float* plane) {
  copy.assign(plane, plane + H * W);
  for (int64_t y = 0; y < H; ++y) {
    const Between row = between_of(y, H, box.top, box.height);
    const float *upper = copy.data() + row.low * W, *lower = copy.data() + row.high * W;
    for (int64_t x = 0; x < W; ++x) {
      const Between column = between_of(x, W, box.left, box.width);
      const auto mixed = [&](const float* line) {
        return line[column.low] + column.share * (line[column.high] - line[column.low]);
      };
      plane[y * W + x] = mixed(upper) + row.share * (mixed(lower) - mixed(upper));
    }
  }
}

void erase(const Box& box, int64_t C, int64_t H, int64_t W, float* image) {
  for (int64_t c = 0; c < C; ++c) {
    for (int64_t y = box.top; y < box.top + box.height; ++y)
      std::fill_n(image + (c * H + y) * W + box.left, box.width, 0.0F);
  }
}

// Beta(alpha, alpha) for alpha <= 1 by Joehnk (1964): pairs u^(1/alpha), v^(1/alpha) until their sum is at most 1.
double draw_share(double alpha, const float* draws) {
  if (alpha == 1) return static_cast<double>(draws[0]);
  for (int64_t i = 0; i < kShareAttempts; ++i, draws += 2) {
    const double x = std::pow(static_cast<double>(draws[0]), 1 / alpha),
                 y = std::pow(static_cast<double>(draws[1]), 1 / alpha);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
  return 0.5;
}

}  // namespace

void Augment::visit(Fields& field) {
  field("crop_padding", crop_padding,
        "black pixels around an image before a random part of its size is cut out; 0: none", at_least(0));
  field("resized_crop", resized_crop,
        "smallest share of an image that a random part of it has, which is brought to the image's size (Szegedy et al. "
        "2015); 0: none",
        between(0, 1));
  field("flip", flip, "share of the images that are mirrored", share());
  field("erase", erase, "share of the images of which a rectangle is erased (Zhong et al. 2020)", share());
  const std::string no_erase = "erase = 0";
  field("erase_smallest", erase_smallest, "smallest share of an image that is erased", between(0, 1),
        effective_when(erase > 0, no_erase));
  field("erase_largest", erase_largest, "largest share of an image that is erased", between(0, 1),
        effective_when(erase > 0, no_erase));
  field("erase_aspect", erase_aspect, "smallest ratio of an erased rectangle's sides; its inverse is the largest",
        between(0.01, 1), effective_when(erase > 0, no_erase));
  field("cutmix", cutmix, "share of the images into which a rectangle of another is pasted (Yun et al. 2019)", share());
  field("cutmix_alpha", cutmix_alpha, "of the Beta distribution of the share that is left", between(0.01, 1),
        effective_when(cutmix > 0, "cutmix = 0"));
  field("mixup", mixup, "share of the images that are mixed with another (Zhang et al. 2018)", share());
  field("mixup_alpha", mixup_alpha, "of the Beta distribution of the shares", between(0.01, 1),
        effective_when(mixup > 0, "mixup = 0"));
  colours.visit(field);
}

void Augment::check(const std::string& where, int64_t channels, int64_t height, int64_t width) const {
  colours.check(where, channels, height, width);
  const auto refuse = [&](const std::string& message) { throw ConfigError(where, "augment", message); };
  if (erase > 0 && erase_smallest > erase_largest) {
    refuse(fmt::format("erase_smallest: expected at most erase_largest = {}, got {}", erase_largest, erase_smallest));
  }
  if (cutmix + mixup > 1) {
    refuse(fmt::format("cutmix and mixup: expected at most 1 together, got {} + {}; an image is mixed once", cutmix,
                       mixup));
  }
  if (crop_padding >= std::min(height, width)) {
    refuse(fmt::format("crop_padding: expected less than the {} pixels of an image, got {}", std::min(height, width),
                       crop_padding));
  }
}

ResizedCrops::ResizedCrops(double smallest, const torch::Tensor& index_B, RandomKey key)
    : smallest_(smallest), draw_BN_(RandomStream("data.augment.resized_crop").uniform_rows(key, index_B, kBoxDraws)) {}

Box ResizedCrops::box(int64_t b, int64_t height, int64_t width) const {
  const BoxBounds bounds{smallest_, 1, kCropAspect, height, width};
  return drawn_box(bounds, draw_BN_.const_data_ptr<float>() + b * kBoxDraws, height, width);
}

void augment_images(const Augment& augment, torch::Tensor& image_BCHW, const torch::Tensor& index_B,
                    const std::vector<PixelRange>& range_C, RandomKey key) {
  HETERODYNE_DCHECK(image_BCHW.is_contiguous() && image_BCHW.scalar_type() == torch::kFloat32);
  const int64_t B = image_BCHW.size(0), C = image_BCHW.size(1), H = image_BCHW.size(2), W = image_BCHW.size(3);
  const int64_t padding = augment.crop_padding, erase_draws = 1 + kBoxDraws;
  const BoxBounds erased{augment.erase_smallest, augment.erase_largest, augment.erase_aspect, H - 1, W - 1};
  const auto crop_B2 = RandomStream("data.augment.crop").uniform_rows(key, index_B, 2);
  const auto flip_B1 = RandomStream("data.augment.flip").uniform_rows(key, index_B, 1);
  std::optional<ResizedCrops> crops;
  if (augment.resized_crop > 0) crops.emplace(augment.resized_crop, index_B, key);
  const auto colour_BN = augment.colours.changes_images()
                             ? RandomStream("data.augment.colours").uniform_rows(key, index_B, kColourDraws)
                             : torch::Tensor();
  const auto erase_BN = RandomStream("data.augment.erase").uniform_rows(key, index_B, erase_draws);
  const float *crop = crop_B2.const_data_ptr<float>(), *flip = flip_B1.const_data_ptr<float>();
  const float* erasing = erase_BN.const_data_ptr<float>();
  std::vector<float> copy;
  for (int64_t b = 0; b < B; ++b) {
    float* image = image_BCHW.data_ptr<float>() + b * C * H * W;
    const Box seen = crops ? crops->box(b, H, W) : Box();
    for (int64_t c = 0; c < C && seen.area() > 0; ++c) enlarge(seen, H, W, copy, image + c * H * W);
    const Shift shift{whole(crop[2 * b], 2 * padding + 1), whole(crop[2 * b + 1], 2 * padding + 1), padding,
                      static_cast<double>(flip[b]) < augment.flip};
    for (int64_t c = 0; c < C && !shift.is_nothing(); ++c)
      shift_plane(shift, range_C[static_cast<size_t>(c)].black, H, W, copy, image + c * H * W);
    if (colour_BN.defined())
      change_colours(augment.colours, range_C, colour_BN.const_data_ptr<float>() + b * kColourDraws, {image, H, W});
    const float* draws = erasing + b * erase_draws;
    if (static_cast<double>(draws[0]) < augment.erase) erase(drawn_box(erased, draws + 1, H, W), C, H, W, image);
  }
}

Box cutmix_box(double share, int64_t center_y, int64_t center_x, int64_t height, int64_t width) {
  const double side = std::sqrt(1 - share);
  const auto h = static_cast<int64_t>(static_cast<double>(height) * side);
  const auto w = static_cast<int64_t>(static_cast<double>(width) * side);
  const int64_t top = std::clamp<int64_t>(center_y - h / 2, 0, height),
                left = std::clamp<int64_t>(center_x - w / 2, 0, width);
  return {top, left, std::clamp<int64_t>(center_y + h / 2, 0, height) - top,
          std::clamp<int64_t>(center_x + w / 2, 0, width) - left};
}

std::vector<Mixture> draw_mixtures(const Augment& augment, const torch::Tensor& index_B, int64_t num_examples,
                                   int64_t height, int64_t width, RandomKey key) {
  const auto mix_B3 = RandomStream("data.augment.mix").uniform_rows(key, index_B, 3);
  const auto share_BN = RandomStream("data.augment.share").uniform_rows(key, index_B, 2 * kShareAttempts);
  const RandomStream partners("data.augment.partner");
  std::vector<Mixture> mixtures(static_cast<size_t>(index_B.size(0)));
  for (int64_t b = 0; b < index_B.size(0); ++b) {
    const float* draws = mix_B3.const_data_ptr<float>() + 3 * b;
    const auto which = static_cast<double>(draws[0]);
    if (which >= augment.cutmix + augment.mixup) continue;
    Mixture& mixture = mixtures[static_cast<size_t>(b)];
    mixture.is_cut = which < augment.cutmix;
    mixture.share = draw_share(mixture.is_cut ? augment.cutmix_alpha : augment.mixup_alpha,
                               share_BN.const_data_ptr<float>() + 2 * kShareAttempts * b);
    const auto row = static_cast<uint64_t>(index_B.const_data_ptr<int64_t>()[b]);
    mixture.partner = static_cast<int64_t>(partners.below(key, row, static_cast<uint64_t>(num_examples)));
    if (!mixture.is_cut) continue;
    mixture.box = cutmix_box(mixture.share, whole(draws[1], height), whole(draws[2], width), height, width);
    mixture.share = 1 - static_cast<double>(mixture.box.area()) / static_cast<double>(height * width);
  }
  return mixtures;
}

void mix_image(const Mixture& mixture, const torch::Tensor& partner_CHW, torch::Tensor image_CHW) {
  if (mixture.is_cut) {
    const auto& [top, left, height, width] = mixture.box;
    const auto part = [&](const torch::Tensor& image) { return image.narrow(1, top, height).narrow(2, left, width); };
    part(image_CHW).copy_(part(partner_CHW));
  } else {
    image_CHW.mul_(mixture.share).add_(partner_CHW, 1 - mixture.share);
  }
}

}  // namespace heterodyne
