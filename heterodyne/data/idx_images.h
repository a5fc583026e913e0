// IdxImages: data sets that come as the four IDX files of MNIST (LeCun, Cortes and Burges 1998), plain, .gz or .xz.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/data/image_fit.h"

namespace heterodyne {

struct IdxImages {
  std::string kind;                       // "fashion_mnist"
  std::vector<std::string> folder_names;  // see source_folder.h
  std::string how_to_get;
  std::vector<std::string> class_names;
};

SourceFiles idx_source_files(const IdxImages& images);

/// The sizes that all of them have: 28 x 28 grey pixels, ten classes, 60,000 training images.
DataShape idx_images_shape();
int64_t idx_images_num_train();

/// Reads PART-images-idx3-ubyte and PART-labels-idx1-ubyte; `part` is "train" or "t10k". Throws FormatError with file
/// and byte when one is missing or damaged, when an image is not 28 x 28, when the two count differently, when a label
/// is not 0 .. 9.
ImageSet read_idx_images(const std::string& folder, const std::string& part);

/// Settings of a set.
struct IdxSettings {
  Normalize normalize;
  Augment augment = {};
  ImageFit fit = {};

  void visit(Fields& field) {
    field("normalize", normalize, "the pixels' mean and standard deviation");
    field("augment", augment, "how training images are changed at random");
    field("fit", fit, "images brought to the size and the channels of another data set");
  }

  DataShape shape(const std::string& kind) const { return fit.shape(idx_images_shape(), "data." + kind); }
};

/// The data set of these files in the context's folders. Throws FormatError when they are not there, ConfigError about
/// the settings.
std::unique_ptr<Dataset> make_idx_dataset(const IdxImages& files, const IdxSettings& settings,
                                          const DataContext& context);

/// What dataset_kind() asks for, of a set that says which files it has, images(), and how its pixels are distributed,
/// normalize().
template <class Set>
struct IdxDataset {
  struct Options : IdxSettings {
    Options() { normalize = Set::normalize(); }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    return make_idx_dataset(Set::images(), options, context);
  }
  static SourceFiles files() { return idx_source_files(Set::images()); }
  static DataShape shape(const Options& options) { return options.shape(Set::images().kind); }
  static int64_t num_train(const Options&) { return idx_images_num_train(); }
};

}  // namespace heterodyne
