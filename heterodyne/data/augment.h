// Augment: training images changed at random, so that a network does not learn them by heart.
//
// Each draw is addressed by (seed, epoch, the example's index) and the name of its stream. So an example looks the same
// in an epoch whatever batch it is in, whoever prepares it, and wherever a run was resumed.
//
// Letters: B examples of a batch, C channels, H x W pixels. Pixels are normalised float32.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/fields.h"
#include "heterodyne/base/random.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/data/colours.h"

namespace heterodyne {

/// Settings. The default changes nothing.
struct Augment {
  int64_t crop_padding = 0;
  double flip = 0;
  double erase = 0;
  double erase_smallest = 0.02;
  double erase_largest = 0.33;
  double erase_aspect = 0.3;
  double cutmix = 0;
  double cutmix_alpha = 1;
  double mixup = 0;
  double mixup_alpha = 0.2;
  double resized_crop = 0;
  ColourChanges colours = {};
  void visit(Fields& field);

  /// Throws ConfigError about `augment` of `where`: erase_smallest above erase_largest, cutmix and mixup together above
  /// 1, a padding that is not smaller than the images, or colours that do not fit them.
  void check(const std::string& where, int64_t channels, int64_t height, int64_t width) const;
  bool changes_images() const {
    return resized_crop > 0 || crop_padding > 0 || flip > 0 || erase > 0 || colours.changes_images();
  }
  bool mixes() const { return cutmix > 0 || mixup > 0; }
};

/// A rectangle of pixels; empty when it has no rows or no columns.
struct Box {
  int64_t top = 0, left = 0, height = 0, width = 0;

  int64_t area() const { return height * width; }
};

/// The parts of images that resized crops show (Szegedy et al. 2015, section 6): a uniform share of the area, at least
/// `smallest`, and sides whose ratio is log-uniform in 3/4 .. 4/3, anywhere in the image.
class ResizedCrops {
 public:
  ResizedCrops(double smallest, const torch::Tensor& index_B, RandomKey key);
  /// Of example b, an image of this size; empty, for all of it, where none of ten attempts fits.
  Box box(int64_t b, int64_t height, int64_t width) const;

 private:
  double smallest_;
  torch::Tensor draw_BN_;
};

/// Crops, flips, changes colours and erases in place, in this order; every example on its own. image_BCHW is contiguous
/// float32, index_B int64 on the CPU; padding is black. Erased pixels become 0, the channel's mean.
/// Random erasing: Zhong et al. 2020, algorithm 1, with ten attempts. A resized crop is brought to the image's size,
/// bilinear.
void augment_images(const Augment& augment, torch::Tensor& image_BCHW, const torch::Tensor& index_B,
                    const std::vector<PixelRange>& range_C, RandomKey key);

/// The box of CutMix (Yun et al. 2019, equation 2): sides sqrt(1 - share) of the image, whole pixels, around a centre,
/// cut off at the image's edges.
Box cutmix_box(double share, int64_t center_y, int64_t center_x, int64_t height, int64_t width);

/// What an example is mixed with.
struct Mixture {
  int64_t partner = -1;  // index of the other example; -1: it stays as it is
  double share = 1;      // of the example itself; its label's weight
  bool is_cut = false;   // CutMix: `box` shows the partner. Otherwise Mixup: share x one + (1 - share) x other
  Box box;
};

/// One for each example, partners drawn from all `num_examples` of the split. The share is Beta(alpha, alpha); of
/// CutMix it is then that of the pixels which are left.
std::vector<Mixture> draw_mixtures(const Augment& augment, const torch::Tensor& index_B, int64_t num_examples,
                                   int64_t height, int64_t width, RandomKey key);

/// Puts the partner, an image like the example itself, into the example at image_BCHW[b].
void mix_image(const Mixture& mixture, const torch::Tensor& partner_CHW, torch::Tensor image_CHW);

}  // namespace heterodyne
