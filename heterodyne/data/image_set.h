// ImageSet and ImageDataset: images with labels, in memory or in files, and the data set that serves them.
//
// Letters: N images of a file, B examples of a batch, C channels, H x W pixels.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/data/augment.h"
#include "heterodyne/data/class_cut.h"
#include "heterodyne/data/dataset.h"

namespace heterodyne {

struct ImageSet {
  torch::Tensor pixel_NCHW;  // uint8, CPU, contiguous; undefined where images are read one by one
  torch::Tensor label_N;     // int64, CPU, contiguous

  /// The part of an image of this size that is to be seen; empty for all of it.
  using PartOf = std::function<Box(int64_t height, int64_t width)>;
  /// Where images stay in their files: the one at a place, or the part of it, uint8 [C, H, W] of `read_CHW`, CPU,
  /// contiguous. `part` may be empty. Safe to call from several threads.
  std::function<torch::Tensor(int64_t place, const PartOf& part)> read = {};
  std::array<int64_t, 3> read_CHW = {};

  int64_t size() const { return label_N.size(0); }
  /// C, H and W.
  std::array<int64_t, 3> size_CHW() const;
};

/// The set whose pixels are `pixels`, image after image of C x H x W, taken over without a copy.
ImageSet image_set_of(std::string pixels, const std::vector<int64_t>& labels, const DataShape& shape);

/// Settings: what brings the pixels of a channel, taken as 0 .. 1, to mean 0 and standard deviation 1.
struct Normalize {
  std::vector<double> mean;
  std::vector<double> std;

  void visit(Fields& field) {
    field("mean", mean, "mean of each channel, pixels in 0 .. 1", between(0, 1));
    field("std", std, "standard deviation of each channel, pixels in 0 .. 1", more_than(0));
  }
  /// Throws ConfigError about `normalize` of `where` unless there is one number for each channel.
  void check(const std::string& where, int64_t channels) const;
};

/// What an ImageDataset is made of.
struct ImageSource {
  ImageSet train;
  std::function<ImageSet()> load_test;  // called once, when the test split is first asked for
  std::vector<std::string> class_names;
  Normalize normalize;
  double validation = 0.1;
  Augment augment = {};
  PerClass per_class = {};
  std::optional<ClassCut> cut = {};  // in the place of `validation` and `per_class`
};

/// The validation split is cut from the training images, and a part of so many per class from the others: see
/// class_cut.h; or as the source says. Batches are float32, (pixel / 255 - mean) / std.
class ImageDataset : public Dataset {
 public:
  /// Every label must be below the number of class names; all images have one size. Throws ConfigError when a class
  /// has too few images.
  explicit ImageDataset(ImageSource source);

  int64_t size(Split split) const override;
  /// One pass over the batch on the calling thread alone, at the speed of memory: a loader's thread must not compete
  /// with the training step for the cores.
  Batch get(Split split, const torch::Tensor& index_B) const override;
  /// Where images stay in their files resized crops are cut from them as they are there, so finer than from an image
  /// that was brought to its size before.
  Batch get_augmented(const torch::Tensor& index_B, RandomKey key) const override;
  torch::Tensor labels(Split split) const override;
  DataShape shape() const override;
  const std::vector<std::string>& class_names() const override { return class_names_; }

 private:
  struct Part {
    ImageSet images;
    std::vector<int64_t> place;  // of the split's examples among the images; empty means all in order
    int64_t size = 0;
  };
  using PartOfExample = std::function<Box(int64_t b, int64_t height, int64_t width)>;
  const Part& part(Split split) const;
  Batch read(Split split, const torch::Tensor& index_B, const PartOfExample& seen) const;
  Batch get_changed(const torch::Tensor& index_B, RandomKey key) const;
  void mix(Batch& batch, RandomKey key) const;

  std::vector<std::string> class_names_;
  Augment augment_;
  std::vector<std::array<float, 256>> value_of_pixel_;  // for each channel
  Part train_;
  Part valid_;
  std::function<ImageSet()> load_test_;
  mutable std::mutex test_mutex_;
  mutable std::unique_ptr<Part> test_;
};

}  // namespace heterodyne
