// CIFAR-10: small colour photographs of ten kinds of things (Krizhevsky 2009, "Learning multiple layers of features
// from tiny images"), 50,000 for training and 10,000 for testing.
//
// Read is the authors' binary version: data_batch_1.bin to data_batch_5.bin and test_batch.bin, plain, .gz or .xz.
// A record is the label's byte, then 1,024 red, 1,024 green and 1,024 blue pixels, row after row.
#include <fmt/format.h>

#include <future>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/image_set.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/io/compressed.h"

namespace heterodyne {
namespace {

constexpr DataShape kShape{.channels = 3, .height = 32, .width = 32, .num_classes = 10};
constexpr int64_t kNumFiles = 5;
constexpr int64_t kImagesPerFile = 10'000;
constexpr int64_t kPixels = kShape.channels * kShape.height * kShape.width;
constexpr size_t kRecord = 1 + kPixels;
constexpr uint64_t kLargestBatch = uint64_t{1} << 30;  // a batch takes 31 MB

struct Records {
  std::string pixels;
  std::vector<int64_t> labels;
};

Records read_records(const std::string& path) {
  const std::string bytes = io::read_maybe_compressed(path, kLargestBatch);
  const size_t count = bytes.size() / kRecord;
  if (count == 0 || bytes.size() % kRecord != 0) {
    throw FormatError::in_file(path, count * kRecord,
                               fmt::format("expected whole records of {} bytes, got {} bytes in all",
                                           with_commas(kRecord), with_commas(static_cast<int64_t>(bytes.size()))));
  }
  Records records;
  records.pixels.reserve(count * kPixels);
  for (size_t at = 0; at < bytes.size(); at += kRecord) {
    const auto label = static_cast<unsigned char>(bytes[at]);
    if (label >= kShape.num_classes) {
      throw FormatError::in_file(
          path, at, fmt::format("label of record {}: expected 0 .. 9, got {}", records.labels.size(), label));
    }
    records.labels.push_back(label);
    records.pixels.append(bytes, at + 1, kPixels);
  }
  return records;
}

// The files one after the other, each read by a thread of its own: expanding one from xz takes more than a second.
ImageSet read_files(const std::vector<std::string>& paths) {
  std::vector<std::future<Records>> parts;
  for (const auto& path : paths) parts.push_back(std::async(std::launch::async, read_records, path));
  Records all;
  for (auto& part : parts) {
    const Records records = part.get();
    all.pixels += records.pixels;
    all.labels.insert(all.labels.end(), records.labels.begin(), records.labels.end());
  }
  return image_set_of(std::move(all.pixels), all.labels, kShape);
}

struct TrainingFiles {
  std::string folder;
  std::vector<std::string> paths;
  std::vector<std::string> missing;  // names
};

SourceFiles source_files() {
  SourceFiles files;
  files.format = ImageFormat::kCifar;
  files.folders = {"", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"};
  for (int64_t i = 1; i <= kNumFiles; ++i) files.train.push_back(fmt::format("data_batch_{}.bin", i));
  files.test = {"test_batch.bin"};
  files.how_to_get = "the binary version from the authors' page (Krizhevsky 2009), unpacked there";
  return files;
}

TrainingFiles find_training_files(const DataContext& context) {
  const SourceFiles source = source_files();
  const auto& names = source.train;
  TrainingFiles files;
  files.folder = find_source_folder(context, {"cifar10", source.folders, names, source.how_to_get});
  for (const auto& name : names) {
    const std::string path = files.folder + "/" + name;
    if (io::find_maybe_compressed(path)) {
      files.paths.push_back(path);
    } else {
      files.missing.push_back(name);
    }
  }
  return files;
}

struct Cifar10 {
  struct Options {
    bool allow_partial = false;
    Normalize normalize{{0.4914, 0.4822, 0.4465}, {0.2023, 0.1994, 0.2010}};
    Augment augment;
    void visit(Fields& field) {
      field("allow_partial", allow_partial, "go on when some of the five training files are missing");
      field("normalize", normalize, "the pixels' mean and standard deviation: red, green, blue");
      field("augment", augment, "how training images are changed at random");
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    options.normalize.check("data.cifar10", kShape.channels);
    options.augment.check("data.cifar10", kShape.channels, kShape.height, kShape.width);
    const TrainingFiles files = find_training_files(context);
    const std::string missing = join(files.missing) + ": not found (also tried .gz, .xz)";
    const std::string all = with_commas(kNumFiles * kImagesPerFile);
    if (!files.missing.empty() && !options.allow_partial) {
      const auto present = static_cast<int64_t>(files.paths.size()) * kImagesPerFile;
      throw FormatError("data.cifar10", fmt::format("{}; {} of {} training images present. To train on them: --set "
                                                    "data.allow_partial=true",
                                                    missing, with_commas(present), all));
    }
    ImageSource source;
    source.train = read_files(files.paths);
    if (!files.missing.empty()) {
      context.log.note(fmt::format("[data.cifar10] {}; going on with {} of {} training images", missing,
                                   with_commas(source.train.size()), all));
    }
    source.load_test = [path = files.folder + "/test_batch.bin"] { return read_files({path}); };
    source.class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
    source.normalize = options.normalize;
    source.augment = options.augment;
    source.validation = context.validation;
    source.per_class = context.per_class;
    return std::make_unique<ImageDataset>(std::move(source));
  }
  static SourceFiles files() { return source_files(); }
  static DataShape shape(const Options&) { return kShape; }
  static int64_t num_train(const Options&) { return kNumFiles * kImagesPerFile; }
};

}  // namespace

DatasetKind dataset_kind_cifar10() {
  return dataset_kind<Cifar10>("photographs of ten classes, 32 x 32 colour, 50,000 + 10,000 (Krizhevsky 2009)");
}

}  // namespace heterodyne
