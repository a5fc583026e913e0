// SVHN: photographs of house numbers, cut out around a digit each (Netzer et al. 2011, "Reading digits in natural
// images with unsupervised feature learning"), 73,257 for training and 26,032 for testing.
//
// Read is the authors' format 2: train_32x32.mat and test_32x32.mat, whose X is [32, 32, 3, N] bytes and whose y holds
// 1 to 10, where 10 means the digit 0.
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/image_set.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/mat_file.h"

namespace heterodyne {
namespace {

constexpr DataShape kHouseNumber{.channels = 3, .height = 32, .width = 32, .num_classes = 10};
constexpr int64_t kTrainingDigits = 73'257;
constexpr uint64_t kLargestMat = uint64_t{4} << 30;  // the "extra" images, in the same format, take 1.6 GB

const io::MatArray& array_named(const std::string& name, const std::map<std::string, io::MatArray>& arrays,
                                const std::string& path) {
  const auto found = arrays.find(name);
  if (found != arrays.end()) return found->second;
  throw FormatError::in_file(path, "expected arrays X and y, got no " + name);
}

// From the order of MATLAB, rows running fastest, to image after image, columns running fastest.
std::string images_first(const std::string& pixels, int64_t count) {
  constexpr int64_t H = kHouseNumber.height, W = kHouseNumber.width, C = kHouseNumber.channels;
  std::string out(pixels.size(), '\0');
  size_t to = 0;
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t h = 0; h < H; ++h) {
        for (int64_t w = 0; w < W; ++w) out[to++] = pixels[static_cast<size_t>(((n * C + c) * W + w) * H + h)];
      }
    }
  }
  return out;
}

ImageSet read_digits(const std::string& path) {
  const auto arrays = io::parse_mat(io::read_maybe_compressed(path, kLargestMat), path, kLargestMat);
  const io::MatArray& pixels = array_named("X", arrays, path);
  const io::MatArray& labels = array_named("y", arrays, path);
  if (pixels.sizes.size() != 4 || pixels.sizes[0] != kHouseNumber.height || pixels.sizes[1] != kHouseNumber.width ||
      pixels.sizes[2] != kHouseNumber.channels || pixels.type != io::MatType::kUInt8) {
    std::vector<std::string> sizes;
    for (const int64_t size : pixels.sizes) sizes.push_back(std::to_string(size));
    throw FormatError::in_file(path, "X: expected bytes of [32, 32, 3, N], got [" + join(sizes) + "]");
  }
  const int64_t count = pixels.sizes[3];
  auto digits = labels.whole_numbers(path + ": y");
  if (static_cast<int64_t>(digits.size()) != count)
    throw FormatError::in_file(path,
                               fmt::format("y: expected {} labels, one for each image, got {}", count, digits.size()));
  for (size_t n = 0; n < digits.size(); ++n) {
    if (digits[n] < 0 || digits[n] > 10)
      throw FormatError::in_file(path, fmt::format("y: label of image {}: expected 1 .. 10, got {}", n, digits[n]));
    digits[n] %= 10;
  }
  return image_set_of(images_first(pixels.bytes, count), digits, kHouseNumber);
}

struct Svhn {
  struct Options {
    Normalize normalize{{0.4377, 0.4438, 0.4728}, {0.1980, 0.2010, 0.1970}};
    Augment augment;
    void visit(Fields& field) {
      field("normalize", normalize, "the pixels' mean and standard deviation: red, green, blue");
      field("augment", augment, "how training images are changed at random");
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    options.normalize.check("data.svhn", kHouseNumber.channels);
    options.augment.check("data.svhn", kHouseNumber.channels, kHouseNumber.height, kHouseNumber.width);
    const std::string folder = find_source_folder(context, {"svhn",
                                                            {"", "svhn"},
                                                            {"train_32x32.mat"},
                                                            "format 2 from the authors' page (Netzer et al. 2011): "
                                                            "train_32x32.mat and test_32x32.mat"});
    ImageSource source;
    source.train = read_digits(folder + "/train_32x32.mat");
    source.load_test = [path = folder + "/test_32x32.mat"] { return read_digits(path); };
    source.class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    source.normalize = options.normalize;
    source.augment = options.augment;
    source.validation = context.validation;
    source.per_class = context.per_class;
    return std::make_unique<ImageDataset>(std::move(source));
  }
  static DataShape shape(const Options&) { return kHouseNumber; }
  static int64_t num_train(const Options&) { return kTrainingDigits; }
};

}  // namespace

DatasetKind dataset_kind_svhn() {
  return dataset_kind<Svhn>(
      "photographs of digits in house numbers, 32 x 32 colour, 73,257 + 26,032 (Netzer et al. 2011)");
}

}  // namespace heterodyne
