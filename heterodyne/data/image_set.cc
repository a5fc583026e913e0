#include "heterodyne/data/image_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"

namespace heterodyne {

ImageSet image_set_of(std::string pixels, const std::vector<int64_t>& labels, const DataShape& shape) {
  const auto count = static_cast<int64_t>(labels.size());
  HETERODYNE_DCHECK(static_cast<int64_t>(pixels.size()) == count * shape.channels * shape.height * shape.width);
  const auto owner = std::make_shared<std::string>(std::move(pixels));
  ImageSet set;
  set.pixel_NCHW = torch::from_blob(
      owner->data(), {count, shape.channels, shape.height, shape.width}, [owner](void*) {}, torch::kUInt8);
  set.label_N = torch::tensor(labels, torch::kInt64);
  return set;
}

std::array<int64_t, 3> ImageSet::size_CHW() const {
  if (read) return read_CHW;
  return {pixel_NCHW.size(1), pixel_NCHW.size(2), pixel_NCHW.size(3)};
}

void Normalize::check(const std::string& where, int64_t channels) const {
  for (const auto& [name, list] : {std::pair("mean", &mean), std::pair("std", &std)}) {
    if (static_cast<int64_t>(list->size()) == channels) continue;
    throw ConfigError(
        where, "normalize",
        fmt::format("{}: expected one number for each of {} channels, got {}", name, channels, list->size()));
  }
}

ImageDataset::ImageDataset(ImageSource source)
    : class_names_(std::move(source.class_names)), augment_(source.augment), load_test_(std::move(source.load_test)) {
  for (size_t c = 0; c < source.normalize.mean.size(); ++c) {
    auto& values = value_of_pixel_.emplace_back();
    for (size_t pixel = 0; pixel < values.size(); ++pixel) {
      const double scaled = static_cast<double>(pixel) / 255;
      values[pixel] = static_cast<float>((scaled - source.normalize.mean[c]) / source.normalize.std[c]);
    }
  }
  HETERODYNE_DCHECK(static_cast<int64_t>(value_of_pixel_.size()) == source.train.size_CHW()[0]);
  ClassCut cut = source.cut ? *std::move(source.cut)
                            : cut_by_class(source.train.label_N, class_names_, source.validation, source.per_class);
  const auto size_of = [](const std::vector<int64_t>& places) { return static_cast<int64_t>(places.size()); };
  const int64_t num_train = size_of(cut.train);
  const int64_t num_valid = size_of(cut.valid);
  train_ = {source.train, std::move(cut.train), num_train};
  valid_ = {source.train, std::move(cut.valid), num_valid};
}

const ImageDataset::Part& ImageDataset::part(Split split) const {
  if (split == Split::kTrain) return train_;
  if (split == Split::kValid) return valid_;
  const std::lock_guard lock(test_mutex_);
  if (test_ == nullptr) {
    ImageSet images = load_test_();
    const int64_t count = images.size();
    test_ = std::make_unique<Part>(Part{std::move(images), {}, count});
  }
  return *test_;
}

int64_t ImageDataset::size(Split split) const { return part(split).size; }

Batch ImageDataset::get(Split split, const torch::Tensor& index_B) const { return read(split, index_B, {}); }

// With `seen`, of images in files alone, what it tells of each.
Batch ImageDataset::read(Split split, const torch::Tensor& index_B, const PartOfExample& seen) const {
  check_shape("dataset", "index_B", index_B, {"B"});
  const Part& examples = part(split);
  const ImageSet& images = examples.images;
  const auto [C, H, W] = images.size_CHW();
  const int64_t plane = H * W;
  Batch batch;
  batch.index_B = index_B.to(torch::kCPU, torch::kInt64).contiguous();
  batch.inputs = torch::empty({batch.index_B.size(0), C, H, W}, torch::kFloat32);
  batch.label_B = torch::empty({batch.index_B.size(0)}, torch::kInt64);
  const int64_t* index = batch.index_B.const_data_ptr<int64_t>();
  const int64_t* label = images.label_N.const_data_ptr<int64_t>();
  float* value = batch.inputs.data_ptr<float>();
  int64_t* label_out = batch.label_B.data_ptr<int64_t>();
  for (int64_t b = 0; b < batch.index_B.size(0); ++b) {
    if (index[b] < 0 || index[b] >= examples.size) {
      throw ShapeError("dataset",
                       fmt::format("index_B: expected 0 .. {} for the {} split, got {}", with_commas(examples.size - 1),
                                   split_name(split), with_commas(index[b])));
    }
    const int64_t place = examples.place.empty() ? index[b] : examples.place[static_cast<size_t>(index[b])];
    label_out[b] = label[place];
    ImageSet::PartOf seen_of_it;
    if (seen) seen_of_it = [&](int64_t height, int64_t width) { return seen(b, height, width); };
    const auto read_CHW = images.read ? images.read(place, seen_of_it) : torch::Tensor();
    const uint8_t* from = images.read ? read_CHW.const_data_ptr<uint8_t>()
                                      : images.pixel_NCHW.const_data_ptr<uint8_t>() + place * C * plane;
    for (const auto& values : value_of_pixel_) {
      for (int64_t i = 0; i < plane; ++i) value[i] = values[from[i]];
      from += plane;
      value += plane;
    }
  }
  return batch;
}

Batch ImageDataset::get_augmented(const torch::Tensor& index_B, RandomKey key) const {
  Batch batch = get_changed(index_B, key);
  if (augment_.mixes()) mix(batch, key);
  return batch;
}

// Each image on its own.
Batch ImageDataset::get_changed(const torch::Tensor& index_B, RandomKey key) const {
  Augment changes = augment_;
  PartOfExample seen;
  if (train_.images.read && changes.resized_crop > 0) {
    seen = [crops = ResizedCrops(changes.resized_crop, index_B, key)](int64_t b, int64_t height, int64_t width) {
      return crops.box(b, height, width);
    };
    changes.resized_crop = 0;  // it is done then
  }
  Batch batch = read(Split::kTrain, index_B, seen);
  if (!changes.changes_images()) return batch;
  std::vector<PixelRange> range_C;
  for (const auto& values : value_of_pixel_) range_C.push_back({values.front(), values.back()});
  augment_images(changes, batch.inputs, batch.index_B, range_C, key);
  return batch;
}

// Partners are augmented as they are in this epoch themselves, but for being mixed. Labels become shares.
void ImageDataset::mix(Batch& batch, RandomKey key) const {
  const auto [C, H, W] = train_.images.size_CHW();
  const auto mixtures = draw_mixtures(augment_, batch.index_B, train_.size, H, W, key);
  std::vector<int64_t> places, partners;
  for (size_t b = 0; b < mixtures.size(); ++b) {
    if (mixtures[b].partner < 0) continue;
    places.push_back(static_cast<int64_t>(b));
    partners.push_back(mixtures[b].partner);
  }
  const Batch other = get_changed(torch::tensor(partners, torch::kInt64), key);
  auto label_BY = torch::zeros({batch.size(), static_cast<int64_t>(class_names_.size())}, torch::kFloat32);
  auto label = label_BY.accessor<float, 2>();
  for (int64_t b = 0; b < batch.size(); ++b)
    label[b][batch.label_B.const_data_ptr<int64_t>()[b]] = static_cast<float>(mixtures[static_cast<size_t>(b)].share);
  for (size_t p = 0; p < places.size(); ++p) {
    const Mixture& mixture = mixtures[static_cast<size_t>(places[p])];
    mix_image(mixture, other.inputs[static_cast<int64_t>(p)], batch.inputs[places[p]]);
    label[places[p]][other.label_B.const_data_ptr<int64_t>()[p]] += static_cast<float>(1 - mixture.share);
  }
  batch.label_B = label_BY;
}

torch::Tensor ImageDataset::labels(Split split) const {
  const Part& examples = part(split);
  auto label_N = torch::empty({examples.size}, torch::kInt64);
  const int64_t* label = examples.images.label_N.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < examples.size; ++i) {
    label_N.data_ptr<int64_t>()[i] = label[examples.place.empty() ? i : examples.place[static_cast<size_t>(i)]];
  }
  return label_N;
}

DataShape ImageDataset::shape() const {
  const auto [C, H, W] = train_.images.size_CHW();
  return {C, H, W, static_cast<int64_t>(class_names_.size())};
}

}  // namespace heterodyne
