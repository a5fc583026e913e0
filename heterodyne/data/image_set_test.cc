#include "heterodyne/data/image_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::image_set_test {
namespace {

using fixtures::message_of;

// Images of 2 channels, 1 x 1: image n has pixels n and 255 - n. Ten of class 0, then five of class 1, one of class 2.
ImageSet sixteen_images() {
  std::string pixels;
  std::vector<int64_t> labels;
  for (int n = 0; n < 16; ++n) {
    pixels += {static_cast<char>(n), static_cast<char>(255 - n)};
    labels.push_back(n < 10 ? 0 : n < 15 ? 1 : 2);
  }
  return image_set_of(pixels, labels, {.channels = 2, .height = 1, .width = 1});
}

ImageSource source_of(double validation) {
  return {.train = sixteen_images(),
          .load_test = sixteen_images,
          .class_names = {"a", "b", "c"},
          .normalize = {{0.5, 0.2}, {0.25, 0.5}},
          .validation = validation};
}

// The first pixel of each image tells which one it is.
std::vector<int64_t> images_of(const ImageDataset& dataset, Split split) {
  const auto batch = dataset.get(split, torch::arange(dataset.size(split)));
  std::vector<int64_t> images;
  for (int64_t b = 0; b < batch.size(); ++b) {
    const double scaled = batch.inputs[b][0][0][0].item<double>() * 0.25 + 0.5;
    images.push_back(std::lround(scaled * 255));
  }
  return images;
}

TEST(ImageDataset, CutsValidationByClass) {
  const ImageDataset dataset(source_of(0.3));
  // round(0.3 * 10) = 3, round(0.3 * 5) = 2 (half away from zero), round(0.3 * 1) = 0.
  EXPECT_EQ(dataset.size(Split::kValid), 5);
  EXPECT_EQ(dataset.size(Split::kTrain), 11);
  EXPECT_EQ(dataset.labels(Split::kValid).eq(0).sum().item<int64_t>(), 3);
  EXPECT_EQ(dataset.labels(Split::kValid).eq(1).sum().item<int64_t>(), 2);
  EXPECT_EQ(dataset.size(Split::kTest), 16);
}

TEST(ImageDataset, SplitsShareNothingAndMissNothing) {
  const ImageDataset dataset(source_of(0.3));
  auto all = images_of(dataset, Split::kTrain);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end())) << "in the order of the file";
  for (const int64_t image : images_of(dataset, Split::kValid)) all.push_back(image);
  std::sort(all.begin(), all.end());
  for (int64_t n = 0; n < 16; ++n) EXPECT_EQ(all.at(static_cast<size_t>(n)), n);
}

TEST(ImageDataset, WithoutValidationAllImagesTrain) {
  const ImageDataset dataset(source_of(0));
  EXPECT_EQ(dataset.size(Split::kValid), 0);
  EXPECT_EQ(dataset.size(Split::kTrain), 16);
  EXPECT_EQ(dataset.labels(Split::kValid).numel(), 0);
  EXPECT_EQ(dataset.get(Split::kValid, torch::empty({0}, torch::kInt64)).size(), 0);
}

TEST(ImageDataset, NormalisesEachChannel) {
  const ImageDataset dataset(source_of(0));
  const auto batch = dataset.get(Split::kTest, torch::tensor({0, 15}));
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{2, 2, 1, 1}));
  // (0 / 255 - 0.5) / 0.25 and (255 / 255 - 0.2) / 0.5; then (15 / 255 - 0.5) / 0.25 and (240 / 255 - 0.2) / 0.5.
  const auto expected = torch::tensor({-2.0, 1.6, -1.7647058823529411, 1.4823529411764707});
  EXPECT_TRUE(torch::allclose(batch.inputs.flatten().to(torch::kFloat64), expected.to(torch::kFloat64), 1e-6, 1e-7));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({0, 2})));
  EXPECT_TRUE(torch::equal(batch.index_B, torch::tensor({0, 15})));
}

TEST(ImageDataset, RefusesPlacesOutsideTheSplit) {
  const ImageDataset dataset(source_of(0.3));
  EXPECT_EQ(message_of<ShapeError>([&] { dataset.get(Split::kValid, torch::tensor({0, 5})); }),
            "[dataset] index_B: expected 0 .. 4 for the valid split, got 5");
  EXPECT_EQ(message_of<ShapeError>([&] { dataset.get(Split::kTrain, torch::tensor({-1})); }),
            "[dataset] index_B: expected 0 .. 10 for the train split, got -1");
  EXPECT_THROW(dataset.get(Split::kTrain, torch::tensor(1)), ShapeError);
}

TEST(ImageDataset, MixturesHaveSharesForLabels) {
  ImageSource source = source_of(0);
  source.augment = {.mixup = 1, .mixup_alpha = 1};
  const ImageDataset dataset(std::move(source));
  const auto index_B = torch::arange(16);
  const Batch plain = dataset.get(Split::kTrain, index_B), batch = dataset.get_augmented(index_B, {5, 2});
  ASSERT_EQ(batch.label_B.sizes(), (std::vector<int64_t>{16, 3}));
  EXPECT_TRUE(torch::allclose(batch.label_B.sum(1), torch::ones({16})));
  const auto mixtures = draw_mixtures({.mixup = 1, .mixup_alpha = 1}, index_B, 16, 1, 1, {5, 2});
  for (int64_t b = 0; b < 16; ++b) {
    const auto& [partner, share, is_cut, box] = mixtures[static_cast<size_t>(b)];
    const auto expected = plain.inputs[b] * share + plain.inputs[partner] * (1 - share);
    EXPECT_TRUE(torch::allclose(batch.inputs[b], expected, 1e-5, 1e-6)) << b;
    auto label_Y = torch::zeros({3});
    label_Y[plain.label_B[b].item<int64_t>()] += share;
    label_Y[plain.label_B[partner].item<int64_t>()] += 1 - share;
    EXPECT_TRUE(torch::allclose(batch.label_B[b], label_Y)) << b;
  }
}

TEST(ImageDataset, WithoutMixturesLabelsStayWhatTheyAre) {
  ImageSource source = source_of(0);
  source.augment = {.erase = 1, .erase_smallest = 0.9, .erase_largest = 0.9};
  const ImageDataset dataset(std::move(source));
  const auto inputs = dataset.get(Split::kTrain, torch::arange(3)).inputs;
  const Batch batch = dataset.get_augmented(torch::arange(3), {5, 2});
  EXPECT_EQ(batch.label_B.scalar_type(), torch::kInt64);
  EXPECT_TRUE(torch::equal(batch.inputs, inputs)) << "no rectangle is smaller than an image of one pixel";
}

TEST(ImageDataset, LoadsTheTestPartOnceAndLate) {
  std::atomic<int> num_loads = 0;
  ImageSource source = source_of(0.3);
  source.load_test = [&] {
    ++num_loads;
    return sixteen_images();
  };
  const ImageDataset dataset(std::move(source));
  dataset.get(Split::kTrain, torch::tensor({0}));
  EXPECT_EQ(num_loads, 0);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(dataset.size(Split::kTest), 16); });
  threads.clear();
  EXPECT_EQ(num_loads, 1);
}

TEST(ImageDataset, AFailedLoadIsTriedAgain) {
  int num_loads = 0;
  ImageSource source = source_of(0.3);
  source.load_test = [&] {
    if (++num_loads == 1) throw FormatError("no file");
    return sixteen_images();
  };
  const ImageDataset dataset(std::move(source));
  EXPECT_THROW(dataset.size(Split::kTest), FormatError);
  EXPECT_EQ(dataset.size(Split::kTest), 16);
}

TEST(Normalize, NeedsANumberForEachChannel) {
  EXPECT_EQ(message_of<ConfigError>([] { Normalize{{0.5}, {0.5, 0.5}}.check("data.x", 2); }),
            "[data.x] normalize: mean: expected one number for each of 2 channels, got 1");
  EXPECT_EQ(message_of<ConfigError>([] { Normalize{{0.5}, {}}.check("data.x", 1); }),
            "[data.x] normalize: std: expected one number for each of 1 channels, got 0");
}

}  // namespace
}  // namespace heterodyne::image_set_test
