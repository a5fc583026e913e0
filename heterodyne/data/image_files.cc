#include "heterodyne/data/image_files.h"

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/idx.h"

namespace heterodyne {
namespace {

struct Images {
  DataShape shape;
  std::string pixels;  // image after image
  std::string labels;

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
  int64_t image_size() const { return shape.channels * shape.height * shape.width; }
};

std::string bytes_of(const torch::Tensor& tensor) {
  const auto bytes = tensor.to(torch::kUInt8).contiguous();
  return {reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>()), static_cast<size_t>(bytes.numel())};
}

// Batches are (pixel / 255 - mean) / std with the one mean and std that the synthetic set has for each channel.
Images images_of(const Dataset& dataset, Split split) {
  constexpr double kMean = 0.5, kStd = 0.18;
  const auto batch = dataset.get(split, torch::arange(dataset.size(split)));
  return {dataset.shape(), bytes_of(((batch.inputs * kStd + kMean) * 255).round().clamp(0, 255)),
          bytes_of(batch.label_B)};
}

void add_idx(const Images& images, const std::vector<std::string>& names, std::vector<ImageFile>& files) {
  const auto& shape = images.shape;
  files.push_back({names.at(0), io::write_idx({{images.count(), shape.height, shape.width}, images.pixels})});
  files.push_back({names.at(1), io::write_idx({{images.count()}, images.labels})});
}

void add_records(const Images& images, const std::vector<std::string>& names, std::vector<ImageFile>& files) {
  const auto num_files = static_cast<int64_t>(names.size());
  const auto size = static_cast<size_t>(images.image_size());
  for (int64_t f = 0; f < num_files; ++f) {
    ImageFile& file = files.emplace_back(ImageFile{names[static_cast<size_t>(f)], ""});
    for (auto n = static_cast<size_t>(f * images.count() / num_files),
              end = static_cast<size_t>((f + 1) * images.count() / num_files);
         n < end; ++n) {
      file.bytes.push_back(images.labels[n]);
      file.bytes.append(images.pixels, n * size, size);
    }
  }
}

}  // namespace

std::vector<ImageFile> synthetic_image_files(const std::string& kind, int64_t train, int64_t test, int64_t seed) {
  const DatasetKind& target = datasets().find(kind);
  if (!target.files) throw ConfigError("data." + kind + ": is read from no files");
  const auto& source = *target.files;
  const auto num_train_files = static_cast<int64_t>(source.train.size());
  if (source.format == ImageFormat::kCifar && train < num_train_files)
    throw ConfigError("data." + kind + ": training images: expected at least one for each of " +
                      std::to_string(num_train_files) + " files, got " + std::to_string(train));
  const DataShape shape = target.shape({}, {});
  const Table settings{{"examples", train},          {"test_examples", test}, {"classes", shape.num_classes},
                       {"channels", shape.channels}, {"size", shape.height},  {"data_seed", seed}};
  const auto drawn = datasets().find("synthetic").make(settings, {"data.synthetic", ""}, {{}, 0, {}});
  const auto add = source.format == ImageFormat::kIdx ? add_idx : add_records;
  std::vector<ImageFile> files;
  add(images_of(*drawn, Split::kTrain), source.train, files);
  add(images_of(*drawn, Split::kTest), source.test, files);
  return files;
}

}  // namespace heterodyne
