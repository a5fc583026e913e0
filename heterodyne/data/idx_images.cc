#include "heterodyne/data/idx_images.h"

#include <fmt/format.h>

#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/idx.h"

namespace heterodyne {
namespace {

constexpr int64_t kSide = 28;
constexpr int64_t kClasses = 10;
constexpr uint64_t kLargestFile = uint64_t{1} << 30;  // the training images take 47 MB

// An array of the file with as many dimensions as its name says.
io::IdxArray read_idx(const std::string& path, size_t dimensions) {
  io::IdxArray array = io::parse_idx(io::read_maybe_compressed(path, kLargestFile), path);
  if (array.sizes.size() != dimensions) {
    throw FormatError::in_file(path, 3, fmt::format("dimensions: expected {}, got {}", dimensions, array.sizes.size()));
  }
  return array;
}

}  // namespace

SourceFiles idx_source_files(const IdxImages& images) {
  return {.format = ImageFormat::kIdx,
          .folders = images.folder_names,
          .train = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
          .test = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
          .how_to_get = images.how_to_get};
}

DataShape idx_images_shape() { return {1, kSide, kSide, kClasses}; }
int64_t idx_images_num_train() { return 60'000; }

ImageSet read_idx_images(const std::string& folder, const std::string& part) {
  const std::string image_path = folder + "/" + part + "-images-idx3-ubyte";
  const std::string label_path = folder + "/" + part + "-labels-idx1-ubyte";
  io::IdxArray images = read_idx(image_path, 3);
  const io::IdxArray labels = read_idx(label_path, 1);
  const int64_t count = images.sizes[0];
  if (images.sizes[1] != kSide || images.sizes[2] != kSide) {
    throw FormatError::in_file(
        image_path, 8, fmt::format("image size: expected 28 x 28, got {} x {}", images.sizes[1], images.sizes[2]));
  }
  if (labels.sizes[0] != count) {
    throw FormatError::in_file(label_path, 4,
                               fmt::format("count: expected {} labels, one for each image, got {}", with_commas(count),
                                           with_commas(labels.sizes[0])));
  }
  std::vector<int64_t> label_of_image;
  for (const char byte : labels.bytes) {
    const auto label = static_cast<unsigned char>(byte);
    if (label >= kClasses) {
      constexpr size_t kHeader = 8;
      throw FormatError::in_file(label_path, kHeader + label_of_image.size(),
                                 fmt::format("label: expected 0 .. 9, got {}", label));
    }
    label_of_image.push_back(label);
  }
  return image_set_of(std::move(images.bytes), label_of_image, idx_images_shape());
}

std::unique_ptr<Dataset> make_idx_dataset(const IdxImages& files, const IdxSettings& settings,
                                          const DataContext& context) {
  const std::string where = "data." + files.kind;
  const DataShape shape = settings.shape(files.kind);
  const Normalize normalize = settings.fit.normalize(settings.normalize);
  normalize.check(where, shape.channels);
  settings.augment.check(where, shape.channels, shape.height, shape.width);
  const std::string folder =
      find_source_folder(context, {files.kind, files.folder_names, {"train-images-idx3-ubyte"}, files.how_to_get});
  ImageSource source;
  source.train = settings.fit.apply(read_idx_images(folder, "train"));
  source.load_test = [folder, fit = settings.fit] { return fit.apply(read_idx_images(folder, "t10k")); };
  source.class_names = files.class_names;
  source.normalize = normalize;
  source.augment = settings.augment;
  source.validation = context.validation;
  source.per_class = context.per_class;
  return std::make_unique<ImageDataset>(std::move(source));
}

}  // namespace heterodyne
