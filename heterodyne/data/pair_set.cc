#include "heterodyne/data/pair_set.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/permutation.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne {
namespace {

// Of each image, whether it is kept for validation.
std::vector<bool> drawn_images(int64_t num_images, double validation) {
  const auto num_valid = static_cast<size_t>(std::lround(validation * static_cast<double>(num_images)));
  const auto order = permutation(num_images, RandomStream("data.split"), {0, 0});
  std::vector<bool> is_valid(static_cast<size_t>(num_images), false);
  for (size_t i = 0; i < num_valid; ++i) is_valid[static_cast<size_t>(order[i])] = true;
  return is_valid;
}

}  // namespace

std::string question_words(std::string_view question, const std::string& where) {
  tokens::check_utf8(question, where);
  std::string words;
  for (const char c : tokens::lowercased(question)) {
    const bool is_mark = static_cast<unsigned char>(c) < 0x80 && std::ispunct(static_cast<unsigned char>(c)) != 0;
    if (is_mark) words += ' ';
    words += c == '\n' || c == '\r' ? ' ' : c;  // the end of a line is a symbol
    if (is_mark) words += ' ';
  }
  return words;
}

PairDataset::PairDataset(PairSource source) : source_(std::move(source)) {
  const PairSet& all = source_.train;
  HETERODYNE_DCHECK(static_cast<int64_t>(source_.normalize.mean.size()) == all.pixel_MCHW.size(1));
  const auto is_valid = drawn_images(all.pixel_MCHW.size(0), source_.validation);
  const int64_t* image = all.image_N.const_data_ptr<int64_t>();
  std::vector<int64_t> train, valid;
  for (int64_t n = 0; n < all.size(); ++n) (is_valid[static_cast<size_t>(image[n])] ? valid : train).push_back(n);
  train_ = {all, torch::tensor(train, torch::kInt64)};
  valid_ = {all, torch::tensor(valid, torch::kInt64)};
}

const PairDataset::Part& PairDataset::part(Split split) const {
  if (split != Split::kTest) return split == Split::kTrain ? train_ : valid_;
  const std::lock_guard lock(test_mutex_);
  if (test_ == nullptr) {
    PairSet pairs = source_.load_test();
    const int64_t count = pairs.size();
    test_ = std::make_unique<Part>(Part{std::move(pairs), torch::arange(count)});
  }
  return *test_;
}

int64_t PairDataset::size(Split split) const { return part(split).place_N.numel(); }

Batch PairDataset::get(Split split, const torch::Tensor& index_B) const {
  check_shape("dataset", "index_B", index_B, {"B"});
  const Part& examples = part(split);
  Batch batch;
  batch.index_B = index_B.to(torch::kCPU, torch::kInt64).contiguous();
  for (int64_t b = 0; b < batch.index_B.numel(); ++b) {
    const int64_t index = batch.index_B.const_data_ptr<int64_t>()[b];
    if (index >= 0 && index < examples.place_N.numel()) continue;
    throw ShapeError("dataset",
                     fmt::format("index_B: expected 0 .. {} for the {} split, got {}",
                                 with_commas(examples.place_N.numel() - 1), split_name(split), with_commas(index)));
  }
  const auto place_B = examples.place_N.index_select(0, batch.index_B);
  const auto of = [&](const torch::Tensor& values) { return values.index_select(0, place_B); };
  batch.inputs = images(examples.pairs, of(examples.pairs.image_N));
  batch.label_B = of(examples.pairs.label_N);
  batch.text_BS = of(examples.pairs.token_NS);
  batch.mask_BS = torch::arange(batch.text_BS.size(1)).lt(of(examples.pairs.length_N).unsqueeze(1));
  return batch;
}

torch::Tensor PairDataset::images(const PairSet& pairs, const torch::Tensor& image_B) const {
  const auto& pixels = pairs.pixel_MCHW;
  const int64_t C = pixels.size(1), plane = pixels.size(2) * pixels.size(3);
  auto x_BCHW = torch::empty({image_B.numel(), C, pixels.size(2), pixels.size(3)}, torch::kFloat32);
  float* value = x_BCHW.data_ptr<float>();
  for (int64_t b = 0; b < image_B.numel(); ++b) {
    const uint8_t* pixel = pixels.const_data_ptr<uint8_t>() + image_B.const_data_ptr<int64_t>()[b] * C * plane;
    for (size_t c = 0; c < static_cast<size_t>(C); ++c, pixel += plane, value += plane) {
      const auto scale = static_cast<float>(1 / (255 * source_.normalize.std[c]));
      const auto shift = static_cast<float>(-source_.normalize.mean[c] / source_.normalize.std[c]);
      for (int64_t i = 0; i < plane; ++i) value[i] = scale * static_cast<float>(pixel[i]) + shift;
    }
  }
  return x_BCHW;
}

torch::Tensor PairDataset::labels(Split split) const {
  const Part& examples = part(split);
  return examples.pairs.label_N.index_select(0, examples.place_N);
}

DataShape PairDataset::shape() const {
  const auto& pixels = source_.train.pixel_MCHW;
  return {pixels.size(1),
          pixels.size(2),
          pixels.size(3),
          static_cast<int64_t>(source_.class_names.size()),
          static_cast<int64_t>(source_.vocabulary.size()),
          source_.train.token_NS.size(1)};
}

}  // namespace heterodyne
