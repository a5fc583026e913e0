#include "heterodyne/data/classified_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/class_cut.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne {
namespace {

torch::Tensor labels_of(const std::vector<LabelledText>& texts) {
  std::vector<int64_t> labels;
  for (const auto& text : texts) labels.push_back(text.label);
  return torch::tensor(labels, torch::kInt64);
}

}  // namespace

std::string words_of(std::string_view text) {
  const std::string lower = tokens::lowercased(text);
  std::string words;
  bool is_inside = false;
  for (size_t at = 0; at < lower.size();) {
    const char32_t character = tokens::next_character(lower, at);
    const bool belongs = tokens::is_word_character(character);
    if (belongs && !is_inside && !words.empty()) words += ' ';
    if (belongs) tokens::append_character(words, character);
    is_inside = belongs;
  }
  return words;
}

ClassifiedTexts::ClassifiedTexts(ClassifiedTextSource source) : source_(std::move(source)) {
  const auto cut = cut_by_class(labels_of(source_.train), source_.class_names, source_.validation, source_.per_class);
  if (source_.vocabulary.empty()) learn(cut.train);
  tokenizer_ = tokenizers().make(source_.tokenizer, source_.vocabulary);
  train_ = encode(source_.train, cut.train);
  valid_ = encode(source_.train, cut.valid);
  source_.train.clear();
}

std::string ClassifiedTexts::prepared(const LabelledText& text) const {
  return source_.lower_words ? words_of(text.text) : text.text;
}

void ClassifiedTexts::learn(const std::vector<int64_t>& places) {
  std::string all;
  for (const int64_t place : places) {
    if (!all.empty()) all += ' ';
    all += prepared(source_.train[static_cast<size_t>(place)]);
  }
  source_.vocabulary = learn_vocabulary(source_.tokenizer, all, source_.where);
}

ClassifiedTexts::Part ClassifiedTexts::encode(const std::vector<LabelledText>& texts,
                                              const std::vector<int64_t>& places) const {
  Part part;
  for (const int64_t place : places) {
    const LabelledText& text = texts[static_cast<size_t>(place)];
    auto ids = tokenizer_->framed(tokenizer_->encode(prepared(text), source_.where)).ids;
    if (static_cast<int64_t>(ids.size()) > source_.length) ids.resize(static_cast<size_t>(source_.length));
    if (ids.empty()) ids.push_back(0);
    part.ids.push_back(std::move(ids));
    part.labels.push_back(text.label);
  }
  return part;
}

const ClassifiedTexts::Part& ClassifiedTexts::part(Split split) const {
  if (split == Split::kTrain) return train_;
  if (split == Split::kValid) return valid_;
  const std::lock_guard lock(test_mutex_);
  if (test_ == nullptr) {
    const auto texts = source_.load_test();
    std::vector<int64_t> all(texts.size());
    std::iota(all.begin(), all.end(), int64_t{0});
    test_ = std::make_unique<Part>(encode(texts, all));
  }
  return *test_;
}

int64_t ClassifiedTexts::size(Split split) const { return static_cast<int64_t>(part(split).labels.size()); }

Batch ClassifiedTexts::get(Split split, const torch::Tensor& index_B) const {
  check_shape("dataset", "index_B", index_B, {"B"});
  const Part& texts = part(split);
  const auto count = static_cast<int64_t>(texts.labels.size());
  Batch batch;
  batch.index_B = index_B.to(torch::kCPU, torch::kInt64).contiguous();
  const int64_t B = batch.index_B.size(0);
  const int64_t* index = batch.index_B.const_data_ptr<int64_t>();
  int64_t S = 1;
  for (int64_t b = 0; b < B; ++b) {
    if (index[b] < 0 || index[b] >= count)
      throw ShapeError("dataset", fmt::format("index_B: expected 0 .. {} for the {} split, got {}",
                                              with_commas(count - 1), split_name(split), with_commas(index[b])));
    S = std::max(S, static_cast<int64_t>(texts.ids[static_cast<size_t>(index[b])].size()));
  }
  batch.inputs = torch::zeros({B, S}, torch::kInt64);
  batch.mask_BS = torch::zeros({B, S}, torch::kBool);
  batch.label_B = torch::empty({B}, torch::kInt64);
  int64_t* input = batch.inputs.data_ptr<int64_t>();
  bool* mask = batch.mask_BS.data_ptr<bool>();
  for (int64_t b = 0; b < B; ++b) {
    const auto& ids = texts.ids[static_cast<size_t>(index[b])];
    std::copy(ids.begin(), ids.end(), input + b * S);
    std::fill_n(mask + b * S, ids.size(), true);
    batch.label_B.data_ptr<int64_t>()[b] = texts.labels[static_cast<size_t>(index[b])];
  }
  return batch;
}

torch::Tensor ClassifiedTexts::labels(Split split) const { return torch::tensor(part(split).labels, torch::kInt64); }

DataShape ClassifiedTexts::shape() const {
  DataShape shape;
  shape.vocabulary = static_cast<int64_t>(source_.vocabulary.size());
  shape.num_classes = static_cast<int64_t>(source_.class_names.size());
  shape.length = source_.length;
  return shape;
}

}  // namespace heterodyne
